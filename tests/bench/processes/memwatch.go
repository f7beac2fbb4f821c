package processes

import (
	"fmt"
	"os"
	"sync"
	"time"
)

// memoryWatch looks, many times a second, how much memory some processes have.
type memoryWatch struct {
	mu   sync.Mutex
	pids map[int]bool
	// together is the most that all had in memory at once, and own the most that one had asked
	// for: without pages of files, which a machine can take back at any time. In pages.
	together, own int64
	done          chan struct{}
	wait          sync.WaitGroup
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
		resident, own := pages(pid)
		sum += resident
		w.own = max(w.own, own)
	}
	w.together = max(w.together, sum)
}

// stop returns the peaks in MiB.
func (w *memoryWatch) stop() (together, own float64) {
	close(w.done)
	w.wait.Wait()
	size := float64(os.Getpagesize()) / (1 << 20)
	return float64(w.together) * size, float64(w.own) * size
}

// pages are those that a process has in memory, and those among them that are no file's: the
// second field of /proc/PID/statm, and that without the third. They are 0 where there is none.
func pages(pid int) (resident, own int64) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, 0
	}
	var size, shared int64
	if _, err := fmt.Sscan(string(data), &size, &resident, &shared); err != nil {
		return 0, 0
	}
	return resident, resident - shared
}
