package holdings_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/holdings"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest/contract"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest/faults"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Four references, each of which a registry holds in another way: only who looks below the tag
// sees that one is damaged.
func TestAsk(t *testing.T) {
	losing := faults.NewLosing(0, false)
	served := registrytest.Front(t, registrytest.InProcess(t, registrytest.Options{}), losing.Wrap)
	client, err := remote.New(served.Host, remote.Options{Side: registry.SideTarget, Push: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	content := contract.NewContent(t, "team/app", "v1")
	content.Put(t, client)
	contract.NewContent(t, "team/whole", "v1").Put(t, client)
	layer := lostLayer(t, content, losing)

	digest := content.Image.Descriptor.Digest.String()
	reference := func(repository, tag string) ref.Reference {
		return ref.Reference{Host: served.Host, Repository: repository, Tag: tag}
	}
	questions := []holdings.Question{
		{Ref: reference("team/app", "v1"), Want: digest},
		{Ref: reference("team/whole", "v1")},
		{Ref: reference("team/whole", "v1"), Want: "sha256:other"},
		{Ref: reference("team/whole", "v2")},
	}
	tests := []struct {
		name string
		ask  func() ([]holdings.Answer, error)
		want []holdings.Presence
	}{
		{"tags", func() ([]holdings.Answer, error) { return holdings.Ask(t.Context(), client, questions) },
			[]holdings.Presence{holdings.Present, holdings.Present, holdings.Differs, holdings.Missing}},
		{"everything", func() ([]holdings.Answer, error) { return holdings.NewInspector(client).Ask(t.Context(), questions) },
			[]holdings.Presence{holdings.Damaged, holdings.Present, holdings.Differs, holdings.Missing}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			answers, err := tt.ask()
			if err != nil {
				t.Fatal(err)
			}
			for i, answer := range answers {
				if answer.Presence != tt.want[i] {
					t.Errorf("Ask(%s, want %q) = %s, want %s", answer.Ref, answer.Want, answer.Presence, tt.want[i])
				}
			}
			if tt.want[0] == holdings.Damaged && !slices.Equal(answers[0].Lacks, []string{layer}) {
				t.Errorf("it lacks %q, want %q", answers[0].Lacks, layer)
			}
		})
	}
}

// lostLayer is a blob that the registry loses.
func lostLayer(t *testing.T, c contract.Content, losing *faults.Losing) string {
	t.Helper()
	for digest, content := range c.Blobs {
		if string(content) == "small" {
			losing.Lose(c.Repository, digest.String())
			return digest.String()
		}
	}
	t.Fatal("the content has no small layer")
	return ""
}

// What is attached, and not looked at because nobody lists it, is said not to be looked at: it is
// neither whole nor damaged. What is named is looked for all the same.
func TestAskWhereNothingIsListed(t *testing.T) {
	for _, status := range []int{http.StatusForbidden, http.StatusMethodNotAllowed} {
		refusing := faults.Answer{On: faults.On(registrytest.ListTags), Times: faults.Always, Status: status}.Fault()
		served := registrytest.Front(t, registrytest.InProcess(t, registrytest.Options{}), refusing)
		client, err := remote.New(served.Host, remote.Options{Side: registry.SideTarget, Push: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(client.Close)
		contract.NewContent(t, "team/app", "v1").Put(t, client)
		at := ref.Reference{Host: served.Host, Repository: "team/app", Tag: "v1"}
		ask := func(named map[ref.Reference][]string) (holdings.Answer, []string) {
			var warnings []string
			inspector := holdings.NewInspector(client)
			inspector.Attached, inspector.Named = client, named
			inspector.Warn = func(lines ...string) { warnings = append(warnings, lines...) }
			answers, err := inspector.Ask(t.Context(), []holdings.Question{{Ref: at}})
			if err != nil {
				t.Fatal(err)
			}
			return answers[0], warnings
		}
		if answer, warnings := ask(nil); answer.Presence != holdings.Present || len(warnings) != 1 || !strings.Contains(warnings[0], "not looked at") {
			t.Errorf("Ask() where listings are answered with %d = %s, %q, want present, and one warning", status, answer.Presence, warnings)
		}
		answer, _ := ask(map[ref.Reference][]string{at: {"signature"}})
		if answer.Presence != holdings.Damaged || !slices.Equal(answer.Lacks, []string{"signature"}) {
			t.Errorf("Ask() with a signature named = %s, lacking %q, want it damaged", answer.Presence, answer.Lacks)
		}
	}
}
