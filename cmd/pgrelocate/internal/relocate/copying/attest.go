package copying

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/attestation"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/registry/transfer"
)

// Attest says at the target where what is there has come from, where that is wanted, by the lock that
// the run has written into a file; empty where it has written none. An artifact that cannot be
// attested is there, and incomplete.
func (c *Copying) Attest(ctx context.Context, lockFile string) error {
	if !c.Config.Attest || c.Copied == nil {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	lock, err := digestOf(lockFile)
	if err != nil {
		return err
	}
	a := &attesting{
		writer: &attestation.Writer{Target: c.Sides.Target, Tool: c.Options.UserAgent},
		lock:   lock,
	}
	var group errgroup.Group
	group.SetLimit(16)
	for i := range c.Copied.Results {
		result := &c.Copied.Results[i]
		if result.Err == nil && result.State != plan.StateSkip {
			group.Go(func() error { a.one(ctx, result); return nil })
		}
	}
	_ = group.Wait() // what failed stands in the results
	c.Copied.Attested, c.Copied.Incomplete = a.added, c.Copied.Incomplete+a.incomplete
	c.Copied.Failures, c.Copied.Target = relocate.FailuresOfCopy(c.Copied.Tally), c.Clients.ToTarget.Counts()
	if a.added > 0 {
		c.Note("attested where %s came from", output.Count(a.added, "artifact"))
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return c.Copied.Failures
}

// attesting counts what comes of it.
type attesting struct {
	writer *attestation.Writer
	lock   string

	mu                sync.Mutex
	added, incomplete int
}

func (a *attesting) one(ctx context.Context, result *transfer.Result) {
	added, err := a.write(ctx, result)
	a.mu.Lock()
	defer a.mu.Unlock()
	if added && err == nil {
		a.added++
	}
	if err == nil {
		return
	}
	if result.Incomplete == nil {
		a.incomplete++
	}
	lacking := []error{fmt.Errorf("its attestation did not arrive: %w", err)}
	var before *registry.IncompleteError
	if errors.As(result.Incomplete, &before) {
		lacking = append(before.Errs, lacking...)
	}
	result.Incomplete = &registry.IncompleteError{Errs: lacking}
}

func (a *attesting) write(ctx context.Context, result *transfer.Result) (bool, error) {
	digest, err := v1.NewHash(result.Digest)
	if err != nil {
		return false, err
	}
	facts := attestation.Facts{
		Source: result.Source, Target: result.Target, Digest: digest, Lock: a.lock,
		Present: !result.Moves(),
	}
	if result.SourceDigest != result.Digest {
		facts.SourceDigest = result.SourceDigest
	}
	if checked := result.Checked; checked != nil {
		facts.Key, facts.Identity, facts.Issuer = checked.Key, checked.Identity, checked.Issuer
	}
	return a.writer.Write(ctx, facts)
}

// digestOf is the digest of a lock's file; empty where there is none.
func digestOf(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}
