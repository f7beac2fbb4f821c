package transfer_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest/faults"
)

// Registries as they are: each of these is somebody's habit. An image arrives all the same, and
// is found again by the next run.
func TestCopyWithRegistriesAsTheyAre(t *testing.T) {
	const head, get = registrytest.HeadManifest, registrytest.GetManifest
	type habits = map[string]registrytest.Middleware
	both := habits{
		"HEAD refused with 403": faults.RefuseHead(http.StatusForbidden),
		"HEAD refused with 404": faults.RefuseHead(http.StatusNotFound),
		"HEAD refused with 405": faults.RefuseHead(http.StatusMethodNotAllowed),
		"HEAD refused with 500": faults.RefuseHead(http.StatusInternalServerError),
		"bare HEAD":             faults.BareHead(),
		"plain content types":   faults.PlainTypes("application/json"),
		"compressing proxy":     faults.Compress(false, "gzip", get, registrytest.GetBlob, registrytest.ListTags),
		"compresses unasked":    faults.Compress(true, "deflate", get, registrytest.GetBlob, registrytest.ListTags),
	}
	target := habits{
		"missing is 403 to HEAD": faults.HideMissing(http.StatusForbidden, head),
		"missing is 403":         faults.HideMissing(http.StatusForbidden, head, get),
		"missing is 401":         faults.HideMissing(http.StatusUnauthorized, head, get),
	}
	for name, habit := range both {
		t.Run("source: "+name, func(t *testing.T) { copyTwice(t, []registrytest.Middleware{habit}, nil) })
		t.Run("target: "+name, func(t *testing.T) { copyTwice(t, nil, []registrytest.Middleware{habit}) })
	}
	for name, habit := range target {
		t.Run("target: "+name, func(t *testing.T) { copyTwice(t, nil, []registrytest.Middleware{habit}) })
	}
}

// habitual is a registry, and where clients reach it past its habits.
func habitual(t *testing.T, habits ...registrytest.Middleware) (host, behind string) {
	t.Helper()
	registry := registrytest.InProcess(t, registrytest.Options{})
	return registrytest.Front(t, registry, habits...).Host, registry.Host
}

func copyTwice(t *testing.T, source, target []registrytest.Middleware) {
	from, vendor := habitual(t, source...)
	to, _ := habitual(t, target...)
	push(t, vendor, "app:v0", imageOf(t, randomLayer(t, 2_000), randomLayer(t, 1_000)))
	push(t, vendor, "app:v1", imageOf(t, randomLayer(t, 2_000)))
	planned, report := newWorld(t, from, to).copy(t, plan.Options{}, "app:v0", "app:v1")
	wantCopied(t, report)
	wantStates(t, planned, "new new")
	again := newWorld(t, from, to) // a run that has learned nothing yet
	wantStates(t, again.plan(t, plan.Options{}, "app:v0", "app:v1"), "present present")
}

// What a registry hides is not overwritten: a tag with other content is a conflict as ever.
func TestHabitsDoNotGetRoundConflicts(t *testing.T) {
	const head, get = registrytest.HeadManifest, registrytest.GetManifest
	for name, habit := range map[string]registrytest.Middleware{
		"HEAD refused with 403": faults.RefuseHead(http.StatusForbidden),
		"HEAD refused with 404": faults.RefuseHead(http.StatusNotFound),
		"missing is 403":        faults.HideMissing(http.StatusForbidden, head, get),
		"nothing may be read": faults.Answer{
			On: faults.On(head, get), Times: faults.Always, Status: http.StatusForbidden, Code: "DENIED",
		}.Fault(),
	} {
		t.Run(name, func(t *testing.T) {
			to, private := habitual(t, habit)
			w := newWorld(t, startRegistry(t, true), to)
			push(t, w.from, "app:v0", imageOf(t, randomLayer(t, 2_000)))
			before := push(t, private, "mirror/app:v0", imageOf(t, randomLayer(t, 1_000)))
			_, report := w.copy(t, plan.Options{OnConflict: plan.ConflictFail}, "app:v0")
			if err := report.Results[0].Err; err == nil {
				t.Errorf("the copy succeeded over other content")
			} else if name != "nothing may be read" {
				var conflict *plan.ConflictError
				if !errors.As(err, &conflict) {
					t.Errorf("error = %v, want a conflict", err)
				}
			}
			if got := digestAt(t, private, "mirror/app:v0"); got != before.String() {
				t.Errorf("the tag is %s now, want %s as before", got, before)
			}
		})
	}
}
