package main

import (
	"bufio"
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/pgrelocate/pgrelocate/tests/bench/families"
)

const (
	// drainWorkers is as many as pgrelocate has connections.
	drainWorkers = 8
	// drainPortion is as much as pgrelocate reads and writes at a time.
	drainPortion = 256 << 10
)

// blobList is what inner-drain reads: one path a line.
func blobList(f *families.Family) string {
	var b strings.Builder
	for _, blob := range f.Blobs {
		fmt.Fprintf(&b, "/v2/%s/blobs/%s\n", blob.Repository, blob.Digest)
	}
	return b.String()
}

// drainSource is the inner process: HOST FILE throws away what the source has, HOST FILE SINK sends it on
// with its SHA-256 computed. That is the least that who copies and checks has to do: nothing is said to the
// sink beside the bytes, and nothing is waited for.
func drainSource(args []string) int {
	if len(args) < 2 || len(args) > 3 {
		return 2
	}
	if err := drainAll(args[0], args[1], args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func drainAll(host, list string, sink []string) error {
	file, err := os.Open(list)
	if err != nil {
		return err
	}
	defer file.Close()
	paths := make(chan string)
	failed := make([]error, drainWorkers)
	var group sync.WaitGroup
	client := &http.Client{Timeout: time.Hour, Transport: &http.Transport{MaxIdleConnsPerHost: drainWorkers, DisableCompression: true}}
	for i := range drainWorkers {
		group.Go(func() {
			failed[i] = drainSome(client, host, paths, sink)
			for range paths { // let the others finish
			}
		})
	}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		paths <- lines.Text()
	}
	close(paths)
	group.Wait()
	return cmp.Or(failed...)
}

// drainSome fetches what comes down the channel.
func drainSome(client *http.Client, host string, paths <-chan string, sink []string) error {
	into, buf := io.Discard, make([]byte, drainPortion)
	if len(sink) > 0 {
		conn, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", sink[0])
		if err != nil {
			return err
		}
		defer conn.Close()
		into = io.MultiWriter(sha256.New(), conn)
	}
	for path := range paths {
		if err := get(client, "http://"+host+path, into, buf); err != nil {
			return err
		}
	}
	return nil
}

func get(client *http.Client, url string, into io.Writer, buf []byte) error {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, resp.Status)
	}
	_, err = io.CopyBuffer(struct{ io.Writer }{into}, resp.Body, buf)
	return err
}
