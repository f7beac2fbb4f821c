package transfer

import (
	"context"
	"sync"
	"time"
)

// smallBlob is the size below which a blob costs round trips rather than bandwidth.
const smallBlob = 1 << 20

// job is one piece of work; what it leads to it adds to the queue.
type job func(ctx context.Context)

// queue hands out work in the order that leaves the least for the end: what completes an
// artifact first; then blobs, largest first on most workers, so that no large one is left
// for the end, and small ones on a few, so that their round trips pass beside the large
// ones' bytes and not after them.
type queue struct {
	mu      sync.Mutex
	changed *sync.Cond
	urgent  []job
	large   []job
	small   []job
	// last is what others may have done by the time that there is nothing else to do.
	last []job
	// running counts jobs at work, and those that are put off.
	running int
}

func newQueue() *queue {
	q := &queue{}
	q.changed = sync.NewCond(&q.mu)
	return q
}

func (q *queue) addUrgent(j job) { q.add(&q.urgent, j) }

// addBlob adds in the order of the calls within large and small.
func (q *queue) addBlob(size int64, j job) {
	if size < smallBlob {
		q.add(&q.small, j)
	} else {
		q.add(&q.large, j)
	}
}

func (q *queue) addLast(j job) { q.add(&q.last, j) }

// putOff adds a job to the last ones after a time, or at once when the context ends.
func (q *queue) putOff(ctx context.Context, wait time.Duration, j job) {
	q.mu.Lock()
	q.running++
	q.mu.Unlock()
	go func() {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		q.addLast(j)
		q.finished()
	}()
}

func (q *queue) add(list *[]job, j job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	*list = append(*list, j)
	q.changed.Broadcast()
}

// next waits for a job; nil means that there will be none any more.
func (q *queue) next(ctx context.Context, smallFirst bool) job {
	q.mu.Lock()
	defer q.mu.Unlock()
	order := []*[]job{&q.urgent, &q.large, &q.small, &q.last}
	if smallFirst {
		order = []*[]job{&q.urgent, &q.small, &q.large, &q.last}
	}
	for ctx.Err() == nil {
		for _, list := range order {
			if len(*list) > 0 {
				j := (*list)[0]
				*list = (*list)[1:]
				q.running++
				return j
			}
		}
		if q.running == 0 {
			break
		}
		q.changed.Wait()
	}
	q.changed.Broadcast()
	return nil
}

func (q *queue) finished() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.running--
	q.changed.Broadcast()
}

// work empties the queue with so many workers and returns when nothing runs any more.
func work(ctx context.Context, q *queue, workers int) {
	stop := context.AfterFunc(ctx, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.changed.Broadcast()
	})
	defer stop()
	var group sync.WaitGroup
	for i := range workers {
		group.Go(func() {
			for {
				j := q.next(ctx, i < workers/4)
				if j == nil {
					return
				}
				j(ctx)
				q.finished()
			}
		})
	}
	group.Wait()
}
