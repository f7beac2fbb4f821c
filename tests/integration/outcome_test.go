package integration_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pgrelocate/pgrelocate/internal/chart/standin"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/postgres"
)

// small is a selection of a chart, an operator and two instances.
func small(t *testing.T, r *rig) []versions.Artifact {
	t.Helper()
	return r.artifacts(t, versions.Selection{
		Releases: []string{"v4.3.1"}, Versions: expression(t, smallVersions),
		Editions: []versions.Edition{versions.Full}, Extras: []string{"none"},
	})
}

const smallVersions = "17.5,16.9"

// pushSmall puts what small selects into the source, and a little more.
func pushSmall(t *testing.T, r *rig) {
	t.Helper()
	pushFamily(t, r, standin.Options{Versions: expression(t, smallVersions), Bytes: 200 * kib})
}

func expression(t *testing.T, s string) postgres.Expression {
	t.Helper()
	e, err := postgres.ParseExpression(s)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func debianRig(t *testing.T) *rig {
	t.Helper()
	return &rig{
		source: newSide(t, registrytest.Debian(t, registrytest.Options{TLS: true, Accounts: accounts(vendorAccount)})),
		target: newSide(t, registrytest.Debian(t, registrytest.Options{TLS: true, Accounts: accounts(privateAccount)})),
	}
}

func sourceName(a versions.Artifact) string { return a.Source.Repository + ":" + a.Source.Tag }
func targetName(a versions.Artifact) string { return a.Target.Repository + ":" + a.Target.Tag }

// A tag that holds other content at the target is moved only when that was asked for.
func TestConflict(t *testing.T) {
	tests := []struct {
		onConflict plan.OnConflict
		state      plan.State
		moved      bool
		fails      bool
	}{
		{"", plan.StateFailed, false, true},
		{plan.ConflictFail, plan.StateFailed, false, true},
		{plan.ConflictSkip, plan.StateSkip, false, false},
		{plan.ConflictUpdate, plan.StateUpdate, true, false},
	}
	for _, tt := range tests {
		t.Run("on conflict "+string(tt.onConflict), func(t *testing.T) {
			t.Parallel()
			r := debianRig(t)
			artifacts := small(t, r)
			pushSmall(t, r)
			disputed := artifacts[2]
			theirs := r.target.Push(t, targetName(disputed), imageOf(t, layer(t, kib))).String()
			ours := r.source.Digest(t, sourceName(disputed)).String()

			_, report, err := r.copy(t.Context(), t, artifacts, plan.Options{OnConflict: tt.onConflict})
			if err != nil {
				t.Fatalf("copying: %v", err)
			}
			for _, result := range report.Results {
				if result.Target != disputed.Target {
					if result.Err != nil || result.State != plan.StateNew {
						t.Errorf("%s: state %s, %v, want it copied", result.Target, result.State, result.Err)
					}
					continue
				}
				if result.State != tt.state || (result.Err != nil) != tt.fails {
					t.Errorf("%s: state %s, %v, want %s", result.Target, result.State, result.Err, tt.state)
				}
				if tt.fails {
					wantConflict(t, result.Err, ours, theirs)
				}
			}
			want := theirs
			if tt.moved {
				want = ours
			}
			if got := r.target.Contents(t)[targetName(disputed)]; got != want {
				t.Errorf("the target's tag holds %s, want %s", got, want)
			}
		})
	}
}

func wantConflict(t *testing.T, err error, digests ...string) {
	t.Helper()
	if !errors.Is(err, registry.ErrConflict) {
		t.Errorf("error is %v, want ErrConflict", err)
	}
	for _, digest := range digests {
		if !strings.Contains(err.Error(), digest) {
			t.Errorf("error %q does not name %s", err, digest)
		}
	}
}

// One artifact that the source does not have fails by itself.
func TestMissingArtifact(t *testing.T) {
	r := debianRig(t)
	artifacts := small(t, r)
	missing := artifacts[len(artifacts)-1]
	pushFamily(t, r, standin.Options{Versions: expression(t, "17.5")})

	_, report, err := r.copy(t.Context(), t, artifacts, plan.Options{})
	if err != nil {
		t.Fatalf("copying: %v", err)
	}
	if report.Copied != len(artifacts)-1 || report.Failed != 1 {
		t.Errorf("%d copied and %d failed, want %d and 1", report.Copied, report.Failed, len(artifacts)-1)
	}
	for _, result := range report.Results {
		if result.Target == missing.Target {
			wantError(t, result.Err, registry.ErrNotFound, registry.SideSource, missing.Source.Repository)
		}
	}
	r.wantSame(t, artifacts[:len(artifacts)-1])
}

// A refused login names its side, and nothing is written.
func TestWrongPassword(t *testing.T) {
	rigs := map[string]func(*testing.T) *rig{"basic authentication": debianRig, "tokens": tokenRig}
	for name, newRig := range rigs {
		for _, which := range []registry.Side{registry.SideSource, registry.SideTarget} {
			t.Run(name+", "+string(which), func(t *testing.T) {
				t.Parallel()
				r := newRig(t)
				artifacts := small(t, r)
				pushSmall(t, r)
				wrong := &registrytest.Account{Username: "somebody", Password: "wr0ng-pa55word"}
				host := r.source.Host
				if which == registry.SideSource {
					r.source.account = wrong
				} else {
					r.target.account, host = wrong, r.target.Host
				}

				_, _, err := r.copy(t.Context(), t, artifacts, plan.Options{})
				wantError(t, err, registry.ErrUnauthorized, which, host)
				if err != nil && strings.Contains(err.Error(), wrong.Password) {
					t.Errorf("error %q has the password in it", err)
				}
				if got := r.target.Contents(t); len(got) != 0 {
					t.Errorf("the target holds %v, want nothing", got)
				}
			})
		}
	}
}

// A target that lets us read and not write says so, whichever way it does that.
func TestTargetRefusesWriting(t *testing.T) {
	tests := []struct {
		name   string
		target func(*testing.T) *registrytest.Registry
		want   error
	}{
		{"a token server that grants pulling only", func(t *testing.T) *registrytest.Registry {
			return registrytest.Distribution(t, registrytest.Options{
				TLS: true, Accounts: accounts(privateAccount), Tokens: &registrytest.TokenOptions{DenyPush: true},
			})
		}, nil},
		{"a registry that is read-only", func(t *testing.T) *registrytest.Registry {
			return registrytest.Debian(t, registrytest.Options{ReadOnly: true})
		}, nil},
		{"a proxy that answers 403", func(t *testing.T) *registrytest.Registry {
			return registrytest.Front(t, registrytest.Debian(t, registrytest.Options{}), forbidWriting)
		}, registry.ErrForbidden},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := &rig{source: newSide(t, registrytest.InProcess(t, registrytest.Options{})), target: newSide(t, tt.target(t))}
			artifacts := small(t, r)
			pushSmall(t, r)

			_, report, err := r.copy(t.Context(), t, artifacts, plan.Options{})
			if err != nil {
				wantError(t, err, tt.want, registry.SideTarget, r.target.Host)
				return
			}
			if report.Failed != len(artifacts) {
				t.Errorf("%d artifacts failed, want all %d", report.Failed, len(artifacts))
			}
			for _, result := range report.Results {
				wantError(t, result.Err, tt.want, registry.SideTarget, r.target.Host)
			}
		})
	}
}

func forbidWriting(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			http.Error(w, `{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}`, http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// wantError checks that an error is of a kind, where one is given, and that it names the
// side and some word.
func wantError(t *testing.T, err, kind error, which registry.Side, word string) {
	t.Helper()
	var named *registry.Error
	switch {
	case err == nil:
		t.Errorf("no error, want one about the %s", which)
	case kind != nil && !errors.Is(err, kind):
		t.Errorf("error %q, want %q", err, kind)
	case !errors.As(err, &named) || named.Side != which:
		t.Errorf("error %q names no side, want the %s", err, which)
	case !strings.Contains(err.Error(), word):
		t.Errorf("error %q does not name %s", err, word)
	}
}

// An index arrives whole, or as the one platform that was asked for.
func TestIndex(t *testing.T) {
	tests := []struct {
		name     string
		platform string
	}{
		{"whole", ""},
		{"one platform", "linux/arm64"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := tokenRig(t)
			artifacts := small(t, r)[1:2]
			index, images := multiArch(t, "linux/amd64", "linux/arm64")
			want := r.source.Push(t, sourceName(artifacts[0]), index).String()
			opts := plan.Options{}
			if tt.platform != "" {
				opts.Platforms = []v1.Platform{*platform(t, tt.platform)}
				digest, err := images[tt.platform].Digest()
				if err != nil {
					t.Fatal(err)
				}
				want = digest.String()
			}

			r.mustCopy(t, artifacts, opts)
			if got := r.target.Contents(t)[targetName(artifacts[0])]; got != want {
				t.Errorf("the target's tag holds %s, want %s", got, want)
			}
			_, report := r.mustCopy(t, artifacts, opts)
			if report.Present != 1 {
				t.Errorf("copying again: %d artifacts present, want 1", report.Present)
			}
			other := r.target.Reference(t, artifacts[0].Target.Repository+"@"+digestOf(t, images["linux/amd64"]))
			_, err := remote.Head(other, r.target.Remote(t.Context())...)
			if there := err == nil; there != (tt.platform == "") {
				t.Errorf("the other platform is there: %t, want %t", there, tt.platform == "")
			}
		})
	}
}
