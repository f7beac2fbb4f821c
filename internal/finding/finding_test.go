package finding_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/finding"
)

// Probes run at once, and one that gets no answer ends by itself.
func TestRun(t *testing.T) {
	meet := make(chan struct{})
	probes := []finding.Probe{
		{Name: "one", Look: func(context.Context) finding.Finding { <-meet; return finding.Okf("well") }},
		{Name: "other", Look: func(context.Context) finding.Finding { close(meet); return finding.Warnf("rest", "tired") }},
		{Name: "slow", Look: func(ctx context.Context) finding.Finding { <-ctx.Done(); return finding.Failure(ctx.Err()) }},
	}
	found, err := finding.Run(t.Context(), 50*time.Millisecond, probes)
	if err != nil || len(found) != 3 {
		t.Fatalf("Run() = %v, %v", found, err)
	}
	if found[0].Probe != "one" || found[0].Status != finding.OK || found[1].Remedy != "rest" {
		t.Errorf("Run() = %+v, want the findings in their order", found)
	}
	if found[2].Says != "no answer within 50ms" {
		t.Errorf("Run() of a probe that hangs says %q", found[2].Says)
	}
	if finding.Worst(found) != finding.Failed || finding.Worst(found[:2]) != finding.Warning || finding.Worst(nil) != finding.OK {
		t.Error("Worst() is not the worst")
	}
}

func TestRunInterrupted(t *testing.T) {
	cause := errors.New("somebody pressed a key")
	ctx, cancel := context.WithCancelCause(t.Context())
	_, err := finding.Run(ctx, time.Minute, []finding.Probe{{Name: "a", Look: func(ctx context.Context) finding.Finding {
		cancel(cause)
		<-ctx.Done()
		return finding.Failure(ctx.Err())
	}}})
	if !errors.Is(err, cause) {
		t.Errorf("Run() = %v, want the cause of the end", err)
	}
}
