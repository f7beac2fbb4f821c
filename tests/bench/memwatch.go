package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"
)

// memoryWatch looks, many times a second, how much memory some processes have together.
type memoryWatch struct {
	mu   sync.Mutex
	pids map[int]bool
	peak int64 // pages
	done chan struct{}
	wait sync.WaitGroup
}

func newMemoryWatch() *memoryWatch {
	w := &memoryWatch{pids: map[int]bool{}, done: make(chan struct{})}
	w.wait.Go(func() {
		const often = 20 * time.Millisecond
		tick := time.NewTicker(often)
		defer tick.Stop()
		for {
			select {
			case <-w.done:
				return
			case <-tick.C:
				w.look()
			}
		}
	})
	return w
}

func (w *memoryWatch) add(pid int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pids[pid] = true
}

func (w *memoryWatch) remove(pid int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.pids, pid)
}

func (w *memoryWatch) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	var sum int64
	for pid := range w.pids {
		sum += residentPages(pid)
	}
	w.peak = max(w.peak, sum)
}

// stop returns the peak in MiB.
func (w *memoryWatch) stop() float64 {
	close(w.done)
	w.wait.Wait()
	return float64(w.peak) * float64(os.Getpagesize()) / mib
}

// residentPages is the second field of /proc/PID/statm; 0 where there is none.
func residentPages(pid int) int64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	fields := bytes.Fields(data)
	if len(fields) < 2 {
		return 0
	}
	n, _ := strconv.ParseInt(string(fields[1]), 10, 64)
	return n
}
