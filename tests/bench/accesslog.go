package main

import (
	"bytes"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/tests/bench/figures"
)

// accessLog reads what a registry writes about the requests that it has answered. The
// registry counts, and nothing stands in the bytes' way that would cost time.
type accessLog struct {
	mu    sync.Mutex
	rest  []byte
	last  time.Time
	sofar figures.Traffic
}

var logLine = regexp.MustCompile(`"([A-Z]+) (\S+) HTTP/[\d.]+" (\d+) (\d+)`)

// Write takes lines, and parts of them, and never fails.
func (l *accessLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, p...)
	for {
		line, rest, whole := bytes.Cut(l.rest, []byte("\n"))
		if !whole {
			return len(p), nil
		}
		l.note(string(line))
		l.rest = append(l.rest[:0], rest...)
	}
}

func (l *accessLog) note(line string) {
	m := logLine.FindStringSubmatch(line)
	if m == nil {
		return
	}
	u, err := url.Parse(m[2])
	if err != nil {
		return
	}
	l.last = time.Now()
	kind := registrytest.Classify(&http.Request{Method: m[1], URL: u}).Kind
	if l.sofar.ByKind == nil {
		l.sofar.ByKind = map[registrytest.Kind]int{}
	}
	l.sofar.Requests++
	l.sofar.ByKind[kind]++
	if m[3] == strconv.Itoa(http.StatusUnauthorized) {
		l.sofar.Challenges++
	}
	if kind == registrytest.GetBlob {
		n, _ := strconv.ParseInt(m[4], 10, 64)
		l.sofar.BlobBytes += n
	}
}

func (l *accessLog) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sofar, l.last = figures.Traffic{}, time.Time{}
}

// settled returns the account once nothing has come for a moment: a line is written after
// the reply that it is about.
func (l *accessLog) settled() figures.Traffic {
	const quiet = 200 * time.Millisecond
	for asked := time.Now(); ; time.Sleep(quiet / 10) {
		l.mu.Lock()
		if time.Since(l.last) > quiet && time.Since(asked) > quiet {
			t := l.sofar
			t.ByKind = maps.Clone(t.ByKind)
			l.mu.Unlock()
			return t
		}
		l.mu.Unlock()
	}
}
