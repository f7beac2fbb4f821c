package lock_test

import (
	"slices"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/catalogue"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// A plan says what each tag at the target holds, and pins nothing but that and what is to be there.
func TestPlan(t *testing.T) {
	digest, other := hash("a"), hash("b")
	artifact := func(tag, held string) *plan.Artifact {
		at := ref.Reference{Host: "r.example.com", Repository: "pg/postgres-instance", Tag: tag}
		return &plan.Artifact{
			Artifact: versions.Artifact{Product: "tanzu", Release: "v4.3.1", Role: versions.RoleInstance, Source: at, Target: at},
			Digest:   digest.String(), MediaType: "application/vnd.oci.image.manifest.v1+json", TargetDigest: held,
		}
	}
	planned := &plan.Plan{
		Artifacts: []*plan.Artifact{artifact("c", ""), artifact("b", other.String()), artifact("a", digest.String())},
		Blobs:     []*plan.Blob{{Size: 7, Repositories: []string{"pg/postgres-instance"}, Descriptor: v1.Descriptor{Digest: other}}},
	}
	l, err := lock.Plan(planned, catalogue.Builtin(), "pg")
	if err != nil {
		t.Fatal(err)
	}
	again, err := lock.Parse(l.Marshal())
	if err != nil || !again.Planned || len(again.Blobs) != 1 {
		t.Fatalf("Parse(Plan()) = %+v, %v", again, err)
	}
	var held []string
	for _, a := range again.Artifacts {
		pin := a.Reviewed()
		held = append(held, pin.Held)
		if !pin.Reviewed || pin.Digest != digest.String() || a.Base != "pg" {
			t.Errorf("Reviewed() of %s = %+v, below %q", a.Target, pin, a.Base)
		}
	}
	if want := []string{digest.String(), other.String(), ""}; !slices.Equal(held, want) {
		t.Errorf("held are %q, want %q", held, want)
	}
	planned.Artifacts[0].TargetDigest = "none"
	if _, err := lock.Plan(planned, catalogue.Builtin(), ""); err == nil {
		t.Error("Plan(a target with a digest that is none) = nil, want an error")
	}
}
