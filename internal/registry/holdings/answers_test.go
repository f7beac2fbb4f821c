package holdings

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// shelf holds digests by repository and tag or digest, and fails where it holds an error.
type shelf map[string]any

func (s shelf) Resolve(_ context.Context, repository, reference string) (v1.Descriptor, error) {
	switch held := s[repository+" "+reference].(type) {
	case v1.Hash:
		return v1.Descriptor{Digest: held}, nil
	case error:
		return v1.Descriptor{}, held
	default:
		return v1.Descriptor{}, fmt.Errorf("%s: %w", reference, registry.ErrNotFound)
	}
}

func (s shelf) HasBlob(ctx context.Context, repository string, blob v1.Descriptor) (bool, error) {
	_, err := s.Resolve(ctx, repository, blob.Digest.String())
	return err == nil, err
}

func hash(letter string) v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: strings.Repeat(letter, 64)}
}

func TestAnswers(t *testing.T) {
	broken := errors.New("502 bad gateway")
	held := shelf{"app v1": hash("a"), "app v2": hash("b"), "app v4": broken, "app " + hash("c").String(): hash("c")}
	tag := func(tag string) ref.Reference { return ref.Reference{Repository: "app", Tag: tag} }
	questions := []Question{
		{Ref: tag("v1"), Want: hash("a").String()},
		{Ref: tag("v1")},
		{Ref: tag("v2"), Want: hash("a").String()},
		{Ref: tag("v3")},
		{Ref: tag("v4")},
		{Ref: ref.Reference{Repository: "app", Digest: hash("c").String()}},
	}
	answers, err := Ask(t.Context(), held, questions)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i, a := range answers {
		if a.Question != questions[i] {
			t.Errorf("Ask()[%d] answers %v, want %v", i, a.Question, questions[i])
		}
		got = append(got, fmt.Sprintf("%s %.8s %v", a.Presence, a.Held.Digest, a.Err))
	}
	want := []string{"present sha256:a <nil>", "present sha256:a <nil>", "differs sha256:b <nil>", "missing : <nil>", "unknown : 502 bad gateway", "present sha256:c <nil>"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Ask():\n%s", diff)
	}
}

// TestAskStops where the registry as a whole cannot be asked, and where nobody waits any more.
func TestAskStops(t *testing.T) {
	refused := fmt.Errorf("app: %w", registry.ErrUnauthorized)
	questions := []Question{{Ref: ref.Reference{Repository: "app", Tag: "v1"}}, {Ref: ref.Reference{Repository: "app", Tag: "v2"}}}
	if _, err := Ask(t.Context(), shelf{"app v2": refused}, questions); !errors.Is(err, registry.ErrUnauthorized) {
		t.Errorf("Ask() = %v, want %v", err, registry.ErrUnauthorized)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Ask(ctx, shelf{}, questions); !errors.Is(err, context.Canceled) {
		t.Errorf("Ask() = %v, want %v", err, context.Canceled)
	}
}

func TestAskBlobs(t *testing.T) {
	a, b := hash("a"), hash("b")
	held := shelf{"one " + a.String(): a, "two " + a.String(): a}
	questions := []BlobQuestion{
		{v1.Descriptor{Digest: a}, []string{"none", "one", "two"}},
		{v1.Descriptor{Digest: b}, []string{"one", "two"}},
	}
	for one, want := range map[bool][][]string{false: {{"one", "two"}, nil}, true: {{"one"}, nil}} {
		got, err := AskBlobs(t.Context(), held, questions, one)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("AskBlobs(one: %t) = %v:\n%s", one, err, diff)
		}
	}
	held["one "+b.String()] = errors.New("502 bad gateway")
	if _, err := AskBlobs(t.Context(), held, questions, false); err == nil {
		t.Error("AskBlobs() of a registry that fails = nil, want an error")
	}
}
