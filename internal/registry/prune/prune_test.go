package prune_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
	"github.com/pgrelocate/pgrelocate/internal/registry/prune"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

const repository = "team/app"

// mirror is a real registry with what is put into it.
type mirror struct {
	*remote.Client
	t *testing.T
}

func newMirror(t *testing.T, wrap ...registrytest.Middleware) *mirror {
	t.Helper()
	served := registrytest.Front(t, registrytest.Debian(t, registrytest.Options{}), wrap...)
	return newMirrorAt(t, served.Host)
}

func newMirrorAt(t *testing.T, host string) *mirror {
	t.Helper()
	client, err := remote.New(host, remote.Options{Side: registry.SideTarget, Push: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return &mirror{client, t}
}

// image puts an image of its own content under tags, and by its digest.
func (m *mirror) image(content string, tags ...string) v1.Hash {
	m.t.Helper()
	body := fmt.Sprintf(`{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]},"author":%q}`, content)
	digest, size, err := v1.SHA256(strings.NewReader(body))
	if err != nil {
		m.t.Fatal(err)
	}
	config := v1.Descriptor{MediaType: types.OCIConfigJSON, Digest: digest, Size: size}
	if _, err := m.PushBlob(m.t.Context(), repository, config, registrytest.Bytes(body), false); err != nil {
		m.t.Fatal(err)
	}
	return m.put(types.OCIManifestSchema1, fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":%q,"digest":%q,"size":%d},"layers":[]}`,
		types.OCIManifestSchema1, types.OCIConfigJSON, digest, size), tags...)
}

func (m *mirror) index(children []v1.Hash, tags ...string) v1.Hash {
	m.t.Helper()
	var entries []string
	for _, child := range children {
		d, err := m.Resolve(m.t.Context(), repository, child.String())
		if err != nil {
			m.t.Fatal(err)
		}
		entries = append(entries, fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":%d}`, d.MediaType, d.Digest, d.Size))
	}
	return m.put(types.OCIImageIndex, fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"manifests":[%s]}`, types.OCIImageIndex, strings.Join(entries, ",")), tags...)
}

func (m *mirror) put(mediaType types.MediaType, body string, tags ...string) v1.Hash {
	m.t.Helper()
	manifest, err := oci.New(mediaType, []byte(body))
	if err != nil {
		m.t.Fatal(err)
	}
	for _, tag := range append([]string{manifest.Descriptor.Digest.String()}, tags...) {
		if _, err := m.PushManifest(m.t.Context(), repository, tag, manifest); err != nil {
			m.t.Fatal(err)
		}
	}
	return manifest.Descriptor.Digest
}

func (m *mirror) has(reference string) bool {
	m.t.Helper()
	_, err := m.Resolve(m.t.Context(), repository, reference)
	return err == nil
}

func item(tag string, digest v1.Hash) prune.Item {
	return prune.Item{Ref: ref.Reference{Host: "r.example.com", Repository: repository, Tag: tag}, Digest: digest}
}

func (m *mirror) prune(opts prune.Options) map[string]prune.Removal {
	m.t.Helper()
	opts.Target = m
	plan, err := prune.New(m.t.Context(), opts)
	if err != nil {
		m.t.Fatal(err)
	}
	if err := plan.Carry(m.t.Context()); err != nil {
		m.t.Fatal(err)
	}
	all := map[string]prune.Removal{}
	for _, r := range plan.Removals {
		name := r.Ref.Tag
		if name == "" {
			name = r.Digest.String()
		}
		all[name] = r
	}
	return all
}

// What nobody wants goes, with what belongs to it alone; everything else stays.
func TestPrune(t *testing.T) {
	m := newMirror(t)
	shared, alone, other := m.image("shared"), m.image("alone"), m.image("other")
	old := m.index([]v1.Hash{shared, alone}, "old")
	wanted := m.index([]v1.Hash{shared, other}, "wanted")
	signature := strings.Replace(old.String(), ":", "-", 1) + ".sig"
	ofAlone := strings.Replace(alone.String(), ":", "-", 1) + ".sig"
	ofShared := strings.Replace(shared.String(), ":", "-", 1) + ".sig"
	foreign := strings.Replace(old.String(), ":", "-", 1) + ".att"
	var attached []prune.Item
	for _, tag := range []string{signature, ofAlone, ofShared} {
		attached = append(attached, item(tag, m.image("attached "+tag, tag)))
	}
	m.image("somebody's", foreign)

	got := m.prune(prune.Options{
		Unwanted: []prune.Item{item("old", old), item("missing", old)}, Wanted: []prune.Item{item("wanted", wanted)}, Attachments: attached,
	})
	for _, gone := range []string{"old", old.String(), alone.String(), signature, ofAlone} {
		if m.has(gone) {
			t.Errorf("%s is there still", gone)
		}
	}
	for _, stays := range []string{"wanted", wanted.String(), shared.String(), other.String(), ofShared, foreign} {
		if !m.has(stays) {
			t.Errorf("%s is gone", stays)
		}
	}
	if got["old"].Outcome != prune.Deleted || got["missing"].Outcome != prune.Gone || len(got) != 5 {
		t.Errorf("Carry() = %+v", got)
	}
}

// A tag that leads to the same content, directly or by an index, would go with it, in a registry that
// does not remove tags alone, as distribution 2 does not.
func TestSharedContentStays(t *testing.T) {
	m := newMirror(t)
	twice := m.image("twice", "ours", "theirs")
	below := m.image("below", "child")
	m.index([]v1.Hash{below}, "index")
	got := m.prune(prune.Options{Unwanted: []prune.Item{item("ours", twice), item("child", below)}})
	if got["ours"].Outcome != prune.Kept || !strings.Contains(got["ours"].Reason, "the tag theirs") || !strings.Contains(got["ours"].Reason, "does not remove a tag alone") || got["child"].Outcome != prune.Kept {
		t.Errorf("Carry() = %+v, want both kept", got)
	}
	for _, tag := range []string{"ours", "theirs", "child", "index"} {
		if !m.has(tag) {
			t.Errorf("%s is gone", tag)
		}
	}
	// Where both tags are ours, both go.
	got = m.prune(prune.Options{Unwanted: []prune.Item{item("ours", twice), item("theirs", twice)}})
	if m.has("ours") || m.has("theirs") || got["ours"].Outcome != prune.Deleted {
		t.Errorf("Carry() = %+v, want both gone", got)
	}
}

// What somebody else has put under our tag is not ours, and what is in use is needed.
func TestDriftAndUse(t *testing.T) {
	m := newMirror(t)
	moved, used := m.image("moved", "moved"), m.image("used", "used")
	was := m.image("was")
	got := m.prune(prune.Options{
		Unwanted: []prune.Item{item("moved", was), item("used", used)},
		InUse: func(_ ref.Reference, digest v1.Hash) string {
			if digest == used {
				return "Pod prod/db-0"
			}
			return ""
		},
	})
	if got["moved"].Outcome != prune.Kept || !strings.Contains(got["moved"].Reason, moved.String()) {
		t.Errorf("a moved tag is %+v, want it kept", got["moved"])
	}
	if got["used"].Outcome != prune.Kept || got["used"].Reason != "Pod prod/db-0 needs it" || !m.has("used") {
		t.Errorf("what is in use is %+v, want it kept", got["used"])
	}
}

// A registry that deletes nothing says so, and what belongs to an artifact stays with it.
func TestRegistryThatKeeps(t *testing.T) {
	m := newMirror(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodDelete {
				http.Error(w, `{"errors":[{"code":"UNSUPPORTED"}]}`, http.StatusMethodNotAllowed)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	child := m.image("child")
	old := m.index([]v1.Hash{child}, "old")
	got := m.prune(prune.Options{Unwanted: []prune.Item{item("old", old)}})
	if got["old"].Outcome != prune.Failed || !strings.Contains(got["old"].Reason, registry.ErrKeeps.Error()) || got[child.String()].Outcome != prune.Kept {
		t.Errorf("Carry() = %+v", got)
	}
}

// Somebody who pushes between looking and deleting is not hurt.
func TestPushedMeanwhile(t *testing.T) {
	m := newMirror(t)
	old := m.image("old", "old")
	plan, err := prune.New(t.Context(), prune.Options{Target: m, Unwanted: []prune.Item{item("old", old)}})
	if err != nil {
		t.Fatal(err)
	}
	m.image("old", "theirs")
	if err := plan.Carry(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := plan.Removals[0]; r.Outcome != prune.Kept || !strings.Contains(r.Reason, "meanwhile") || !m.has("theirs") {
		t.Errorf("Carry() = %+v, want it kept", r)
	}
}

// Many removals take time, in which others copy: what they put while it goes on counts, too.
func TestPushedWhileItGoesOn(t *testing.T) {
	m := newMirror(t)
	first, second, third := m.image("first", "first"), m.image("second", "second"), m.image("third", "third")
	unwanted := []prune.Item{item("first", first), item("second", second), item("third", third)}
	pushing := &pushesAfterFirst{mirror: m, push: func() { m.image("second", "theirs") }}
	plan, err := prune.New(t.Context(), prune.Options{Target: pushing, Unwanted: unwanted})
	if err != nil {
		t.Fatal(err)
	}
	if err := plan.Carry(t.Context()); err != nil {
		t.Fatal(err)
	}
	if m.has("first") || !m.has("theirs") || !m.has("second") || !m.has("third") {
		t.Errorf("Carry() = %+v, want what comes after the other's push kept", plan.Removals)
	}
	if r := plan.Removals[1]; r.Outcome != prune.Kept || !strings.Contains(r.Reason, "meanwhile") {
		t.Errorf("Carry() = %+v, want it kept", r)
	}
}

// pushesAfterFirst is a registry to which somebody pushes after the first deletion.
type pushesAfterFirst struct {
	*mirror
	push func()
}

func (p *pushesAfterFirst) DeleteManifest(ctx context.Context, repository, reference string) error {
	err := p.mirror.DeleteManifest(ctx, repository, reference)
	if p.push != nil {
		p.push()
		p.push = nil
	}
	return err
}

// What leads to a manifest has to be known: where it cannot be read, everything stays.
func TestUnreadable(t *testing.T) {
	m := newMirror(t)
	old := m.image("old", "old")
	broken := unreadable{m}
	plan, err := prune.New(t.Context(), prune.Options{Target: broken, Unwanted: []prune.Item{item("old", old)}})
	if err != nil || plan.Count(prune.Kept) != 1 || plan.Count(prune.Goes) != 0 {
		t.Errorf("New() = %+v, %v, want it kept", plan, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := prune.New(ctx, prune.Options{Target: m, Unwanted: []prune.Item{item("old", old)}}); err == nil {
		t.Error("New() of a context that has ended = nil")
	}
}

type unreadable struct{ *mirror }

func (unreadable) Manifest(context.Context, string, string, ...types.MediaType) (oci.Manifest, error) {
	return oci.Manifest{}, fmt.Errorf("%w: 403", registry.ErrForbidden)
}

// A registry that removes tags alone is asked to, where something else leads to the content; it is found
// out on something of our own, of which nothing stays.
func TestTagAlone(t *testing.T) {
	m := newMirrorAt(t, registrytest.Distribution(t, registrytest.Options{}).Host)
	twice := m.image("twice", "ours", "theirs")
	signature := strings.Replace(twice.String(), ":", "-", 1) + ".sig"
	attached := []prune.Item{item(signature, m.image("signature", signature))}
	below := m.image("below", "child")
	m.index([]v1.Hash{below}, "index")
	got := m.prune(prune.Options{Unwanted: []prune.Item{item("ours", twice), item("child", below)}, Attachments: attached})
	for _, tag := range []string{"ours", "child"} {
		if r := got[tag]; r.Outcome != prune.Deleted || !r.TagOnly || m.has(tag) {
			t.Errorf("%s: %+v, want the tag deleted", tag, r)
		}
	}
	for _, stays := range []string{"theirs", "index", below.String(), signature} {
		if !m.has(stays) {
			t.Errorf("%s is gone", stays)
		}
	}
	tags, err := m.Tags(t.Context(), repository)
	if err != nil || len(tags) != 3 {
		t.Errorf("the repository has the tags %q, %v, want theirs, index and the signature", tags, err)
	}
}

// A registry that removes the content with a tag is not asked to remove one.
func TestTagTakesContent(t *testing.T) {
	m := newMirror(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodDelete && !strings.Contains(r.URL.Path, "sha256:") {
				if r.URL.Path = digestOf(next, r); r.URL.Path == "" {
					http.NotFound(w, r)
					return
				}
			}
			next.ServeHTTP(w, r)
		})
	})
	twice := m.image("twice", "ours", "theirs")
	got := m.prune(prune.Options{Unwanted: []prune.Item{item("ours", twice)}})
	if got["ours"].Outcome != prune.Kept || !m.has("theirs") || !m.has("ours") {
		t.Errorf("Carry() = %+v, want it kept", got)
	}
}

// digestOf is the path of the manifest by its digest.
func digestOf(registry http.Handler, r *http.Request) string {
	head := r.Clone(r.Context())
	head.Method = http.MethodHead
	head.Header.Set("Accept", string(types.OCIManifestSchema1))
	answer := httptest.NewRecorder()
	registry.ServeHTTP(answer, head)
	digest := answer.Header().Get("Docker-Content-Digest")
	if digest == "" {
		return ""
	}
	return r.URL.Path[:strings.LastIndex(r.URL.Path, "/")+1] + digest
}

// A registry that says it has deleted, and keeps, is not believed.
func TestDeletesNothingAndSaysSo(t *testing.T) {
	m := newMirror(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodDelete {
				w.WriteHeader(http.StatusAccepted)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	old := m.image("old", "old")
	plan, err := prune.New(t.Context(), prune.Options{Target: m, Unwanted: []prune.Item{item("old", old)}})
	if err != nil {
		t.Fatal(err)
	}
	if err := plan.Carry(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := plan.Removals[0]; r.Outcome != prune.Failed || !errors.Is(r.Err, prune.ErrStillThere) || len(plan.Pruned()) != 0 {
		t.Errorf("Carry() = %+v, want that it is still there", r)
	}
}

// On the word of a list that lacks what is there nothing is deleted: a tag that it lacks as well may
// lead to the same content.
func TestListThatLies(t *testing.T) {
	for _, hidden := range []string{"old", "wanted"} {
		m := newMirror(t, func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/tags/list") {
					tags := map[string]string{"old": "wanted", "wanted": "old"}[hidden]
					_, _ = fmt.Fprintf(w, `{"name":%q,"tags":[%q]}`, repository, tags)
					return
				}
				next.ServeHTTP(w, r)
			})
		})
		old, wanted := m.image("old", "old", "theirs"), m.image("wanted", "wanted")
		got := m.prune(prune.Options{Unwanted: []prune.Item{item("old", old)}, Wanted: []prune.Item{item("wanted", wanted)}})
		if r := got["old"]; r.Outcome != prune.Kept || !strings.Contains(r.Reason, prune.ErrIncompleteList.Error()) || !m.has("theirs") || !m.has("old") {
			t.Errorf("without %s in the list: %+v, want it kept", hidden, got)
		}
	}
}

// What is attached to an artifact that somebody has removed goes, and only then is nothing left.
func TestAttachedToWhatIsGone(t *testing.T) {
	m := newMirror(t)
	old, stays := m.image("old", "old"), m.image("stays", "stays")
	var attached []prune.Item
	for _, of := range []v1.Hash{old, stays} {
		tag := strings.Replace(of.String(), ":", "-", 1) + ".sig"
		attached = append(attached, item(tag, m.image("attached "+tag, tag)))
	}
	if err := m.DeleteManifest(t.Context(), repository, old.String()); err != nil {
		t.Fatal(err)
	}
	plan, err := prune.New(t.Context(), prune.Options{Target: m, Unwanted: []prune.Item{item("old", old), item("never", stays)}, Attachments: attached})
	if err != nil {
		t.Fatal(err)
	}
	if err := plan.Carry(t.Context()); err != nil {
		t.Fatal(err)
	}
	if m.has(attached[0].Ref.Tag) || !m.has(attached[1].Ref.Tag) || !m.has("stays") {
		t.Errorf("Carry() = %+v, want the signature of what is gone deleted, and no other", plan.Removals)
	}
	if got := plan.Pruned(); len(got) != 2 {
		t.Errorf("Pruned() = %v, want both", got)
	}
}

// What was put there by its digest, without a tag, goes by it, unless something leads to it.
func TestWithoutTag(t *testing.T) {
	m := newMirror(t)
	alone, shared, gone := m.image("alone"), m.image("shared", "theirs"), m.image("gone")
	if err := m.DeleteManifest(t.Context(), repository, gone.String()); err != nil {
		t.Fatal(err)
	}
	untagged := func(digest v1.Hash) prune.Item {
		return prune.Item{Ref: ref.Reference{Host: "r.example.com", Repository: repository, Digest: digest.String()}, Digest: digest}
	}
	got := m.prune(prune.Options{Unwanted: []prune.Item{untagged(alone), untagged(shared), untagged(gone)}})
	if m.has(alone.String()) || !m.has("theirs") {
		t.Errorf("Carry() = %+v", got)
	}
	for digest, want := range map[v1.Hash]prune.Outcome{alone: prune.Deleted, shared: prune.Kept, gone: prune.Gone} {
		if r := got[digest.String()]; r.Outcome != want {
			t.Errorf("%s: %+v, want %s", digest, r, want)
		}
	}
}
