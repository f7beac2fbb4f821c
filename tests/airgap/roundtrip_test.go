package airgap_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// kinds are the registries that a release crosses the gap between.
var kinds = []struct {
	name string
	make func(testing.TB, registrytest.Options) *registrytest.Registry
}{
	{"Debian's docker-registry", registrytest.Debian},
	{"distribution v3", registrytest.Distribution},
	{"crane's", registrytest.Crane},
	{"go-containerregistry's, with referrers", registrytest.InProcess},
}

// inside strips the folder that the private registry has and the vendor's has not.
func inside(contents map[string]string) map[string]string {
	all := make(map[string]string)
	for name, digest := range contents {
		all[strings.TrimPrefix(name, "tanzu-sql-postgres/")] = digest
	}
	return all
}

// A whole release goes from each kind of registry into a bundle and from there into the
// next kind: the same tags, the same digests, with signatures and referrers.
func TestRoundTrip(t *testing.T) {
	for i, from := range kinds {
		to := kinds[(i+1)%len(kinds)]
		t.Run(from.name+" to "+to.name, func(t *testing.T) {
			t.Parallel()
			source, target := from.make(t, registrytest.Options{}), to.make(t, registrytest.Options{})
			release(t, source)
			d := newDesk(t)
			d.pgrelocate(t, "save", "--source", source.Host, "-f", "pg.tar")
			d.pgrelocate(t, "bundle", "verify", "pg.tar")
			d.pgrelocate(t, "load", "-f", "pg.tar", "--registry", target.Host)

			want, got := plain(source.Contents(t)), plain(inside(target.Contents(t)))
			if len(want) != 24 { // 23 artifacts and a signature
				t.Errorf("the vendor has %d tags, want 24", len(want))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("what arrived is not what was sent:\n%s", diff)
			}
			attached := referrers(t, source, "postgres-operator:v4.3.1")
			if diff := cmp.Diff(attached, referrers(t, target, "tanzu-sql-postgres/postgres-operator:v4.3.1")); diff != "" || len(attached) != 1 {
				t.Errorf("of %d referrers there are:\n%s", len(attached), diff)
			}
			if out := d.pgrelocate(t, "load", "-f", "pg.tar", "--registry", target.Host); !strings.Contains(out, "0 copied, 23 present") {
				t.Errorf("a second load did something:\n%s", out)
			}
		})
	}
}

// What is corrupt is refused before the first byte: the registry sees no request at all.
func TestNothingIsSentOfACorruptBundle(t *testing.T) {
	t.Parallel()
	source, behind := vendor(t, registrytest.Debian), registrytest.Debian(t, registrytest.Options{})
	counter := &registrytest.Counter{}
	target := registrytest.Front(t, behind, counter.Wrap)
	d := newDesk(t)
	d.pgrelocate(t, "save", "--source", source.Host, "-f", "pg.tar")
	for name, spoil := range map[string]string{
		"cut":     "head -c 1500000 pg.tar >bad.tar",
		"changed": "cp pg.tar bad.tar; chmod u+w bad.tar; printf x | dd of=bad.tar bs=1 seek=300000 conv=notrunc status=none",
		"joined":  "cat pg.tar pg.tar | tail -c +1000 >bad.tar",
	} {
		d.run(t, "sh", "-c", spoil)
		code, out := d.try(t, "load", "-f", "bad.tar", "--registry", target.Host)
		if code != 5 {
			t.Errorf("loading a bundle that was %s = exit code %d, want 5:\n%s", name, code, out)
		}
	}
	if requests := counter.Counts().Requests; len(requests) != 0 {
		t.Errorf("the registry saw requests, want none: %v", requests)
	}
}

// Install holds the registry against the bundle and takes the chart from it, before it
// looks for a cluster.
func TestInstallFromABundle(t *testing.T) {
	t.Parallel()
	d, _ := saved(t)
	target := registrytest.InProcess(t, registrytest.Options{})
	args := []string{"install", "--bundle", "pg.tar", "--registry", target.Host, "--kubeconfig", "none"}
	if code, out := d.try(t, args...); code != 5 || !strings.Contains(out, "the registry does not hold what the bundle does") {
		t.Errorf("install before load = exit code %d, want 5:\n%s", code, out)
	}
	d.pgrelocate(t, "load", "-f", "pg.tar", "--registry", target.Host)
	code, out := d.try(t, args...)
	if code == 0 || !strings.Contains(out, target.Host+" holds what the bundle does: 5 artifacts") || strings.Contains(out, "chart") {
		t.Errorf("install after load = exit code %d, want the cluster alone to be missing:\n%s", code, out)
	}
}
