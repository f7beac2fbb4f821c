package demo

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/copying"
)

// commands do what the commands do, and print nothing.
func commands() Commands {
	session := func(cfg *config.Config) *relocate.Session { return relocate.New(cfg, relocate.Options{}) }
	return Commands{
		Plan: func(ctx context.Context, cfg *config.Config) error {
			s := session(cfg)
			defer s.Close()
			_, err := copying.Plan(ctx, s, copying.PlanOptions{})
			return err
		},
		Copy: func(ctx context.Context, cfg *config.Config) error {
			s := session(cfg)
			defer s.Close()
			_, err := copying.Copy(ctx, s, copying.CopyOptions{})
			return err
		},
	}
}

// silent is a demonstration nobody listens to.
func silent() Options {
	nothing := func(string, ...any) {}
	return Options{Settings: config.Defaults(), Commands: commands(), Note: nothing, Detail: nothing, Warn: nothing, Result: io.Discard}
}

// copied is a demonstration that has come as far as the first copy.
func copied(t *testing.T) *demo {
	t.Helper()
	d, err := begin(silent())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.close)
	for _, step := range d.steps()[:4] {
		if err := step.run(t.Context()); err != nil {
			t.Fatalf("%s: %v", step.title, err)
		}
	}
	return d
}

// overwrite puts something else under the operator's tag.
func overwrite(t *testing.T, repository string) {
	t.Helper()
	image, err := random.Image(100, 1)
	if err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag(repository + "/postgres-operator:v4.3.1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(tag, image, remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
}

// The check at the end tells the truth: it finds content that is not what was published,
// on either side.
func TestDemoCheckFindsOtherContent(t *testing.T) {
	tests := []struct {
		name       string
		repository func(*demo) string
	}{
		{"at the private registry", func(d *demo) string { return d.private.Host + "/tanzu-sql-postgres" }},
		{"at the vendor's", func(d *demo) string { return d.vendor.Host }},
		{"on both sides alike", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := copied(t)
			if err := d.check(t.Context()); err != nil {
				t.Fatalf("check() = %v, want no error before anything is changed", err)
			}
			if tt.repository != nil {
				overwrite(t, tt.repository(d))
			} else {
				d.published[1].Source.Digest = d.published[0].Source.Digest
			}
			err := d.check(t.Context())
			if exit.Code(err) != exit.Verification || !strings.Contains(err.Error(), "postgres-operator:v4.3.1 is sha256:") {
				t.Errorf("check() = %v, want a verification error that names the operator", err)
			}
		})
	}
}

// Neither does the second copy pass where it had to write.
func TestDemoSecondCopyFindsWrites(t *testing.T) {
	d := copied(t)
	overwrite(t, d.private.Host+"/tanzu-sql-postgres")
	var partial *exit.PartialError
	if err := d.copyAgain(t.Context()); !errors.As(err, &partial) {
		t.Errorf("copyAgain() over another tag = %v, want one artifact to fail", err)
	}
	d.cfg.OnConflict = "update"
	if err := d.copyAgain(t.Context()); err == nil || !strings.Contains(err.Error(), "the second copy wrote") {
		t.Errorf("copyAgain() that writes = %v, want that found", err)
	}
}

// What ends a demonstration is said with its step, and nothing of it is left behind.
func TestDemoThatFails(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	broken := errors.New("broken")
	opts := silent()
	opts.Copy = func(context.Context, *config.Config) error { return broken }
	if err := Run(t.Context(), opts); !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "demo, step 4: ") {
		t.Errorf("Run() = %v, want the fourth step's error", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	opts.Copy = func(context.Context, *config.Config) error { cancel(exit.ErrInterrupted); return broken }
	if err := Run(ctx, opts); !errors.Is(err, exit.ErrInterrupted) || errors.Is(err, broken) {
		t.Errorf("Run() = %v, want why the context ended", err)
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("%v is left behind, %v", left, err)
	}
}
