package jobs

import (
	"context"
	"errors"
	"fmt"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/reaching"
	"github.com/pgrelocate/pgrelocate/internal/install/jobs"
	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// Watch follows a job until it ends. The result is there beside an error too, where it was seen; a job
// that has failed is an *exit.PartialError with its shards.
func Watch(ctx context.Context, s *relocate.Session, place reaching.Destination, namespace, name string) (*jobs.Watched, error) {
	c, err := reaching.Connect(ctx, s, place)
	if err != nil {
		return nil, err
	}
	meter := new(registry.Meter)
	stop := s.Progress(meter)
	seen, err := jobs.Watch(ctx, c, jobs.WatchOptions{
		Namespace: namespace, Name: name, Meter: meter, Changed: func(changed jobs.Shard) { tell(s, changed) },
		Unread: func(err error) {
			s.Warn(fmt.Sprintf("the logs of pods cannot be read, and a part counts when it is done: %v", err))
		},
	})
	stop()
	if errors.Is(err, jobs.ErrNoJob) {
		return nil, &exit.UsageError{Err: err}
	}
	if err != nil || !seen.Failed {
		return seen, err
	}
	return seen, failures(seen)
}

// tell says what has become of a shard.
func tell(s *relocate.Session, changed jobs.Shard) {
	text := fmt.Sprintf("shard %d %s", changed.Index, changed.State)
	if changed.Pods > 1 {
		text += fmt.Sprintf(", try %d", changed.Pods)
	}
	if reason := changed.Reason(); reason != "" {
		text += ": " + reason
	}
	if changed.GivenUp {
		text += "; it is not tried again"
	}
	s.Note("%s", text)
}

// failures are the shards that did not succeed, with what they have left.
func failures(seen *jobs.Watched) error {
	failed := &exit.PartialError{Thing: "shards", Total: len(seen.Shards)}
	for _, shard := range seen.Shards {
		if shard.State == jobs.Succeeded {
			continue
		}
		failed.Errors = append(failed.Errors, fmt.Errorf("shard %d: %s", shard.Index, reasonOf(shard)))
	}
	if len(failed.Errors) == 0 {
		return fmt.Errorf("job %s has failed: %s", seen.Name, seen.Reason)
	}
	return failed
}

// reasonOf is why a shard did not succeed.
func reasonOf(shard jobs.Shard) string {
	switch reason := shard.Reason(); {
	case reason != "" && shard.Status == nil:
		return fmt.Sprintf("%s (pod %s)", reason, shard.Pod)
	case reason != "":
		return reason
	case shard.Pod == "":
		return "it has no pod"
	default:
		return "it left no word, and was pod " + shard.Pod
	}
}
