package main

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/pgrelocate/pgrelocate/internal/chart/standin"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest/faults"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/catalogue"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// running are the registries of all scripts, by host.
var running sync.Map

// startRegistry is the script command: registry NAME [WORD...]. It starts a registry in
// the test's process and puts its host into the environment as NAME. The words:
//
//	basic        user "robot" with the password "s3cret" may use it, and nobody else
//	debian       it is Debian's docker-registry, and not one in the test's process
//	sparse       it is distribution v3, and takes indexes without all of their images
//	tokens       with debian: a token server before it, where "robot" may push and "reader"
//	             with the same password may only pull
//	tls          HTTPS by a private authority, whose file is in NAME_CA
//	readonly     nothing can be pushed
//	stalls       downloads of blobs stop after a while, with the connection open, and the
//	             file NAME.waits is there from then on
//	stalls-once  the same, and from then on all is well
//	silent       it accepts requests and never answers; NAME.waits likewise
//	hostile      it answers with an error that would clear a terminal's screen
//	relabelled   the operator's image has other content than in other registries
//	forbidden    pushes are answered with 403
//	tanzu:REL    it holds a small stand-in for that release of the catalogue
//	relocated:REL  it holds that release where a copy puts it, with a chart that renders
//	vendors:REL  it holds that release where the vendor has it, with a chart that renders
//	ahead:REL    it holds, where the vendor has it, that release with a chart that renders: no
//	             catalogue knows it; 18.4 is in both editions, 17.6 in the full one
//	lacks:TAG    it answers 404 for that tag
//	limits:TAG   it answers 429 for that tag, and says to come back tomorrow
//	signed       with tanzu: the operator's image has a signature where cosign keeps it
//	loses        it can lose layers: see lose
//	unsigned     it refuses what is attached to images
//	writeonly    it lets nobody read
//	keeps        it deletes nothing
//	meeting      the first two uploads wait for each other: two runs that send one thing after the
//	             other are in it at once
//	babbling     it answers 200 and no listing when its tags are listed
//	failing      it answers 503 when its tags are listed
func startRegistry(t *testing.T, ts *testscript.TestScript, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: registry NAME [WORD...]")
	}
	var opts registrytest.Options
	var front []registrytest.Middleware
	var release, relocated, vendors, ahead, note string
	signed := false
	var losing *faults.Losing
	start := registrytest.InProcess
	for _, word := range args[1:] {
		kind, value, _ := strings.Cut(word, ":")
		switch kind {
		case "basic":
			opts.Accounts = []registrytest.Account{{Username: "robot", Password: "s3cret"}}
		case "debian":
			start = registrytest.Debian
		case "sparse":
			start, opts.SparseIndexes = registrytest.Distribution, true
		case "tokens":
			opts.Tokens = &registrytest.TokenOptions{}
			opts.Accounts = []registrytest.Account{
				{Username: "robot", Password: "s3cret"}, {Username: "reader", Password: "s3cret", PullOnly: true},
			}
		case "tls":
			opts.TLS = true
		case "readonly":
			opts.ReadOnly = true
		case "stalls":
			front = append(front, stalls(waits(ts, args[0])))
		case "stalls-once":
			first := sync.OnceFunc(waits(ts, args[0]))
			var struck atomic.Bool
			front = append(front, func(next http.Handler) http.Handler {
				stalling := stalls(func() { first(); struck.Store(true) })(next)
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if struck.Load() {
						next.ServeHTTP(w, r)
						return
					}
					stalling.ServeHTTP(w, r)
				})
			})
		case "silent":
			front = append(front, silent(waits(ts, args[0])))
		case "hostile":
			front = append(front, hostile)
		case "relabelled":
			note = "another build"
		case "forbidden":
			front = append(front, forbidden)
		case "writeonly":
			front = append(front, writeOnly)
		case "keeps":
			front = append(front, keeps)
		case "meeting":
			front = append(front, meeting(t))
		case "lacks":
			front = append(front, lacks(value))
		case "limits":
			front = append(front, limits(value))
		case "loses":
			losing = faults.NewLosing(0, false)
			front = append(front, losing.Wrap)
		case "signed":
			signed = true
		case "unsigned":
			front = append(front, faults.RefuseAttachments(http.StatusBadRequest))
		case "babbling":
			front = append(front, faults.Answer{On: faults.On(registrytest.ListTags), Times: faults.Always, Status: http.StatusOK}.Fault())
		case "failing":
			front = append(front, faults.Busy(faults.On(registrytest.ListTags), 0, 1000))
		case "tanzu":
			release = value
		case "relocated":
			relocated = value
		case "vendors":
			vendors = value
		case "ahead":
			ahead = value
		default:
			ts.Fatalf("registry: unknown word %s", word)
		}
	}
	behind := start(t, opts)
	if release != "" {
		fill(t, ts, behind, release, note)
	}
	if signed {
		sign(t, behind, "postgres-operator:"+release)
	}
	if relocated != "" {
		pushStandIn(t, ts, behind, "tanzu-sql-postgres", relocated)
	}
	if vendors != "" {
		pushStandIn(t, ts, behind, "", vendors)
	}
	if ahead != "" {
		pushAhead(t, ts, behind, ahead)
	}
	counter := new(registrytest.Counter)
	r := registrytest.Front(t, behind, append(front, counter.Wrap)...)
	running.Store(r.Host, r)
	counters.Store(r.Host, counter)
	forgetful.Store(r.Host, losing)
	ts.Setenv(args[0], r.Host)
	if opts.TLS {
		ts.Setenv(args[0]+"_CA", r.CAFile)
	}
}

// counters count what reaches the registries of all scripts, by host.
var counters sync.Map

// requests is the script command: requests HOST N. N requests have reached a registry since the last
// time, or since it was started; -1 forgets them.
func requests(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: requests HOST N")
	}
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	found, ok := counters.Load(args[0])
	if !ok {
		ts.Fatalf("requests: no registry at %s", args[0])
	}
	got := found.(*registrytest.Counter).Reset()
	if want >= 0 && got.Total() != want {
		ts.Fatalf("%s got %s, want %d", args[0], got, want)
	}
}

// forgetful are the registries of all scripts that can lose layers, by host.
var forgetful sync.Map

// lose is the script command: lose HOST REPOSITORY:TAG. The registry loses the last layer of
// an image, and goes on to have its tag; TAG.sig is the image's signature.
func lose(t *testing.T, ts *testscript.TestScript, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: lose HOST REPOSITORY:TAG")
	}
	r, _ := running.Load(args[0])
	losing, _ := forgetful.Load(args[0])
	name := args[1]
	if of, signature := strings.CutSuffix(name, ".sig"); signature {
		repository, _, _ := strings.Cut(of, ":")
		name = repository + ":" + strings.Replace(r.(*registrytest.Registry).Digest(t, of).String(), ":", "-", 1) + ".sig"
	}
	image, err := remote.Image(r.(*registrytest.Registry).Reference(t, name), r.(*registrytest.Registry).Remote(t.Context())...)
	ts.Check(err)
	layers, err := image.Layers()
	ts.Check(err)
	digest, err := layers[len(layers)-1].Digest()
	ts.Check(err)
	repository, _, _ := strings.Cut(args[1], ":")
	losing.(*faults.Losing).Lose(repository, digest.String())
}

// meeting lets the first two uploads begin together.
func meeting(t *testing.T) registrytest.Middleware {
	var begun atomic.Int32
	both := make(chan struct{})
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/blobs/uploads/") {
				switch begun.Add(1) {
				case 1:
					select {
					case <-both:
					case <-time.After(time.Minute):
						t.Error("nobody else has begun an upload")
					}
				case 2:
					close(both)
				}
			}
			next.ServeHTTP(w, r)
		})
	}
}

// pushStandIn pushes a stand-in with a chart that renders into a folder.
func pushStandIn(t *testing.T, ts *testscript.TestScript, r *registrytest.Registry, folder, release string) {
	made, err := standin.New(standin.Options{Release: release, Bytes: 50_000})
	ts.Check(err)
	_, err = made.Push(t.Context(), ref.Folder{Host: r.Host, Path: folder}, r.Remote(t.Context())...)
	ts.Check(err)
}

// pushAhead pushes a stand-in for a release that no catalogue knows.
func pushAhead(t *testing.T, ts *testscript.TestScript, r *registrytest.Registry, release string) {
	known, err := catalogue.Merge(catalogue.Builtin(), "ahead", []byte(fmt.Sprintf(
		"product: tanzu\nreleases: {%s: {shape: image-per-version, versions: [18.4, {version: 17.6, edition: [full]}], tags: {ferretdb: v2.5.0}}}", release)))
	ts.Check(err)
	made, err := standin.New(standin.Options{Catalogue: known, Release: release, Bytes: 50_000})
	ts.Check(err)
	_, err = made.Push(t.Context(), ref.Folder{Host: r.Host}, r.Remote(t.Context())...)
	ts.Check(err)
}

// fill pushes a stand-in for a release: images with the family's layer sharing, small. A
// note makes the operator's image another one.
func fill(t *testing.T, ts *testscript.TestScript, r *registrytest.Registry, release, note string) {
	artifacts, err := versions.Select(catalogue.Builtin(), versions.Selection{
		Releases: []string{release}, Source: ref.Folder{Host: r.Host},
	})
	ts.Check(err)
	for _, a := range artifacts {
		image, err := standIn(a)
		ts.Check(err)
		if note != "" && a.Role == versions.RoleOperator {
			image = mutate.Annotations(image, map[string]string{"note": note}).(v1.Image)
		}
		r.Push(t, a.Source.Repository+":"+a.Source.Tag, image)
	}
}

// sign puts a signature of an image where cosign keeps it.
func sign(t *testing.T, r *registrytest.Registry, image string) {
	digest := r.Digest(t, image)
	repository, _, _ := strings.Cut(image, ":")
	r.Push(t, repository+":"+digest.Algorithm+"-"+digest.Hex+".sig", mutate.Annotations(empty.Image, map[string]string{"signs": digest.String()}).(v1.Image))
}

// standIn is an image of one layer that all share, one that all editions of a version
// share, and one of its own.
func standIn(a versions.Artifact) (v1.Image, error) {
	layer := func(content string, kib int) v1.Layer {
		line := []byte(content + "\n")
		data := make([]byte, 0, kib<<10)
		for len(data)+len(line) <= kib<<10 {
			data = append(data, line...)
		}
		return static.NewLayer(data, types.OCILayer)
	}
	own := layer(a.Source.Repository+":"+a.Source.Tag, 20)
	if a.Role != versions.RoleInstance {
		return mutate.AppendLayers(empty.Image, layer("base", 100), own)
	}
	return mutate.AppendLayers(empty.Image, layer("base", 100), layer(fmt.Sprint(a.Versions), 50), own)
}

// writeContents is the script command: contents HOST FILE. It pulls everything that a
// registry holds and writes REPOSITORY:TAG DIGEST, a line each, into a file.
func writeContents(t *testing.T, ts *testscript.TestScript, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: contents HOST FILE")
	}
	found, ok := running.Load(args[0])
	if !ok {
		ts.Fatalf("contents: no registry at %s", args[0])
	}
	contents := found.(*registrytest.Registry).Contents(t)
	var text strings.Builder
	for _, tag := range slices.Sorted(maps.Keys(contents)) {
		fmt.Fprintln(&text, tag, contents[tag])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text.String()), 0o644))
}

// retag is the script command: retag HOST REPOSITORY:TAG OTHER. The tag of the same repository
// stands for what the first one does from then on.
func retag(t *testing.T, ts *testscript.TestScript, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: retag HOST REPOSITORY:TAG OTHER")
	}
	found, ok := running.Load(args[0])
	if !ok {
		ts.Fatalf("retag: no registry at %s", args[0])
	}
	r := found.(*registrytest.Registry)
	image, err := remote.Get(r.Reference(t, args[1]), r.Remote(t.Context())...)
	ts.Check(err)
	repository, _, _ := strings.Cut(args[1], ":")
	tag, ok := r.Reference(t, repository+":"+args[2]).(name.Tag)
	if !ok {
		ts.Fatalf("retag: %s is no tag", args[2])
	}
	ts.Check(remote.Tag(tag, image, r.Remote(t.Context())...))
}

// waits returns what writes the file by which a script learns that somebody waits for a registry.
func waits(ts *testscript.TestScript, name string) func() {
	file := ts.MkAbs(name + ".waits")
	return sync.OnceFunc(func() { _ = os.WriteFile(file, nil, 0o600) })
}

// stalls sends the first bytes of a blob and then nothing, until the client hangs up.
func stalls(struck func()) registrytest.Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/") {
				w = &stalling{ResponseWriter: w, request: r, struck: struck}
			}
			next.ServeHTTP(w, r)
		})
	}
}

type stalling struct {
	http.ResponseWriter
	request *http.Request
	struck  func()
}

func (s *stalling) Write(p []byte) (int, error) {
	if len(p) <= 100 { // what says that there is no such part of it: a client that has it whole asks for the next thing
		return s.ResponseWriter.Write(p)
	}
	_, _ = s.ResponseWriter.Write(p[:100])
	s.ResponseWriter.(http.Flusher).Flush()
	s.struck()
	<-s.request.Context().Done()
	return 0, s.request.Context().Err()
}

// silent answers nothing.
func silent(struck func()) registrytest.Middleware {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			struck()
			<-r.Context().Done()
		})
	}
}

// hostile answers with control characters and somebody's password.
func hostile(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v2/" {
			next.ServeHTTP(w, r)
			return
		}
		http.Error(w, `{"errors":[{"code":"UNKNOWN","message":"\u001b[2Jall is well https://robot:hunter22@registry.example.com/"}]}`, http.StatusUnprocessableEntity)
	})
}

// writeOnly lets nobody read.
func writeOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v2/" && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
			http.Error(w, `{"errors":[{"code":"DENIED","message":"you may not read"}]}`, http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// keeps deletes nothing.
func keeps(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodDelete {
			http.Error(w, `{"errors":[{"code":"UNSUPPORTED"}]}`, http.StatusMethodNotAllowed)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// forbidden refuses pushes.
func forbidden(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			next.ServeHTTP(w, r)
			return
		}
		http.Error(w, `{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}`, http.StatusForbidden)
	})
}

// lacks hides a tag.
func lacks(tag string) registrytest.Middleware {
	return answersTag(tag, http.StatusNotFound, `{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}`)
}

// limits does not say what a tag holds, nor whether it is there: too many have asked.
func limits(tag string) registrytest.Middleware {
	return answersTag(tag, http.StatusTooManyRequests, `{"errors":[{"code":"TOOMANYREQUESTS","message":"come back tomorrow"}]}`)
}

func answersTag(tag string, status int, body string) registrytest.Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/manifests/"+tag) {
				w.Header().Set("Retry-After", "86400") // nobody waits for that
				http.Error(w, body, status)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}
