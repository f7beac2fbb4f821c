package faults_test

import (
	"bytes"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest/faults"
)

// newRig is a rig between two of Debian's registries behind faults, with one image of one
// layer in the source.
func newRig(t *testing.T, source, target chain) *rig {
	t.Helper()
	r := &rig{
		source: newSide(t, registrytest.Debian(t, registrytest.Options{}), source...),
		target: newSide(t, registrytest.Debian(t, registrytest.Options{}), target...),
	}
	r.push(t, app, newLayer(t, layerSize))
	return r
}

var app = name{"app", "v1"}

// A token that expires while a blob is under way costs a new token, and at most what had
// been sent of that body.
func TestExpiredTokens(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		fate      faults.Fate
		extraSent int64
	}{
		{"refused before the body", faults.Unread, 0},
		{"refused after the body", faults.Swallowed, layerSize},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			behind := registrytest.Distribution(t, registrytest.Options{Tokens: &registrytest.TokenOptions{}})
			// Both blobs are refused: the config's token may be the layer's.
			expired := faults.TokenExpired(behind.Tokens.Realm(), tt.fate, 2)
			r := &rig{
				source: newSide(t, registrytest.Debian(t, registrytest.Options{})),
				target: newSide(t, behind, expired),
			}
			r.push(t, app, newLayer(t, layerSize))
			succeeded(t, r.copy(t.Context(), t, app))
			r.arrived(t, app)
			r.moved(t, layerSize, tt.extraSent, tt.extraSent)
		})
	}
}

// The token server may be busy too.
func TestBusyTokenServer(t *testing.T) {
	t.Parallel()
	busy := faults.Busy(faults.On(registrytest.Token), time.Second, 1)
	r := &rig{
		source: newSide(t, registrytest.Debian(t, registrytest.Options{})),
		target: newSide(t, registrytest.Distribution(t, registrytest.Options{
			Tokens: &registrytest.TokenOptions{Wrap: chain{busy}},
		})),
	}
	r.push(t, app, newLayer(t, mib))
	started := time.Now()
	succeeded(t, r.copy(t.Context(), t, app))
	if took := time.Since(started); took < time.Second {
		t.Errorf("took %v, want the pause of 1 s obeyed", took)
	}
	r.arrived(t, app)
}

// Blobs may lie elsewhere, on a private address too, and that host gets no credentials.
func TestObjectStore(t *testing.T) {
	t.Parallel()
	behind := registrytest.Debian(t, registrytest.Options{})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	store := faults.NewObjectStore("http://" + listener.Addr().String())
	var served registrytest.Counter
	cut := cutDownload(cutAt, 1, faults.Close) // the second request has to be redirected anew
	server := &httptest.Server{Listener: listener, Config: &http.Server{
		Handler: served.Wrap(cut(store.Handler(behind.Forward()))), ConnContext: registrytest.ConnContext,
	}}
	server.Start()
	t.Cleanup(server.Close)

	guarded := registrytest.Debian(t, registrytest.Options{
		Root: behind.Root, Accounts: []registrytest.Account{{Username: "user", Password: "secret"}},
	})
	r := &rig{
		source: newSide(t, guarded, store.Redirect()),
		target: newSide(t, registrytest.Debian(t, registrytest.Options{})),
	}
	r.push(t, app, newLayer(t, layerSize))
	succeeded(t, r.copy(t.Context(), t, app))
	r.arrived(t, app)
	if store.Refused.Load() != 0 {
		t.Errorf("%d requests brought the registry's credentials to the object store, want none", store.Refused.Load())
	}
	if got := served.Counts().BytesSent; got < layerSize || got > layerSize+overhead {
		t.Errorf("read from the object store %s, want %s", mibs(got), mibs(layerSize))
	}
}

// A proxy may send the opening of uploads elsewhere; that needs the same credentials.
func TestUploadsOpenElsewhere(t *testing.T) {
	t.Parallel()
	moved := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			query := req.URL.Query()
			if req.Method == http.MethodPost && !query.Has("moved") {
				query.Set("moved", "yes")
				http.Redirect(w, req, req.URL.Path+"?"+query.Encode(), http.StatusPermanentRedirect)
				return
			}
			next.ServeHTTP(w, req)
		})
	}
	guarded := registrytest.Debian(t, registrytest.Options{Accounts: []registrytest.Account{{Username: "user", Password: "secret"}}})
	r := &rig{
		source: newSide(t, registrytest.Debian(t, registrytest.Options{})),
		target: newSide(t, guarded, moved),
	}
	r.push(t, app, newLayer(t, layerSize))
	succeeded(t, r.copy(t.Context(), t, app))
	r.arrived(t, app)
	r.moved(t, layerSize, 0, 0)
}

// A registry may say how long its chunks have to be, and wins over what is configured.
func TestChunkMinLength(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil, chain{faults.ChunkMinLength(4 * mib)})
	r.target.chunkSize = mib
	succeeded(t, r.copy(t.Context(), t, app))
	r.arrived(t, app)
	r.moved(t, layerSize, 0, 0)
}

// An upload in chunks that breaks goes on after the last chunk that arrived.
func TestBrokenChunk(t *testing.T) {
	t.Parallel()
	const chunk = 4 * mib
	r := newRig(t, nil, chain{faults.CutUploads(faults.Cut{After: 2 * mib, Skip: 2, Times: 2})})
	r.target.chunkSize = chunk
	succeeded(t, r.copy(t.Context(), t, app))
	r.arrived(t, app)
	// A registry may have lost the whole upload with the piece: docker-registry refuses to
	// go on with what it holds in part.
	r.moved(t, layerSize, once+underWay, 2*(2*mib+2*chunk))
}

// A proxy that refuses large bodies gets chunks, for the rest of the run.
func TestProxyLimit(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil, chain{faults.TooLarge(5 * mib)})
	second := name{"second", "v1"}
	r.push(t, second, newLayer(t, layerSize))
	succeeded(t, r.copy(t.Context(), t, app, second))
	r.arrived(t, app, second)
}

// Nothing can be done about a proxy's limit where the registry takes no chunks. The error
// says what can.
func TestProxyLimitWithoutChunks(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil, chain{faults.TooLarge(5 * mib), faults.NoPatch()})
	err := onlyError(t, r.copy(t.Context(), t, app))
	wantError(t, err, registry.SideTarget, "413", registry.ErrTooLarge)
	r.nothingArrived(t)
}

// ECR and others do not create repositories on push.
func TestRepositoryMustExist(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil, chain{faults.OnlyRepositories("app")})
	other := name{"other/app", "v1"}
	r.push(t, other, newLayer(t, mib))
	report := r.copy(t.Context(), t, app, other)
	for _, result := range report.Results {
		switch result.Target.Repository {
		case "app":
			if result.Err != nil {
				t.Errorf("copying app: %v, want success beside the failure", result.Err)
			}
		default:
			wantError(t, result.Err, registry.SideTarget, "NAME_UNKNOWN", nil)
		}
	}
	r.arrived(t, app)
}

// Wrong bytes are a failure that names the digest, however often they come right after.
func TestWrongBytes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		source chain
	}{
		{"once", chain{faults.WrongBytes(cutAt, 1)}},
		{"always", chain{faults.WrongBytes(cutAt, faults.Always)}},
		{"the last byte", chain{faults.WrongBytes(layerSize-1, 1)}},
		{"after a break", chain{cutDownload(cutAt, 1, faults.Close), faults.WrongBytes(mib, 2)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, tt.source, nil)
			wantError(t, onlyError(t, r.copy(t.Context(), t, app)), "", "digest mismatch", nil)
			r.nothingArrived(t)
		})
	}
}

// Bytes that change on the way to the target are found by the target, and sent again once.
func TestWrongBytesOnTheWayToTheTarget(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil, chain{faults.WrongUploadBytes(cutAt, 1)})
	succeeded(t, r.copy(t.Context(), t, app))
	r.arrived(t, app)
	r.moved(t, layerSize, once, layerSize)

	r = newRig(t, nil, chain{faults.WrongUploadBytes(cutAt, faults.Always)})
	wantError(t, onlyError(t, r.copy(t.Context(), t, app)), registry.SideTarget, "digest", nil)
	r.nothingArrived(t)
}

// A manifest that does not have its digest is refused.
func TestWrongManifest(t *testing.T) {
	t.Parallel()
	wrong := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if registrytest.Classify(req).Kind != registrytest.GetManifest {
				next.ServeHTTP(w, req)
				return
			}
			kept := httptest.NewRecorder()
			next.ServeHTTP(kept, req)
			for key, values := range kept.Header() {
				w.Header()[key] = values
			}
			w.WriteHeader(kept.Code)
			_, _ = w.Write(bytes.Replace(kept.Body.Bytes(), []byte(`"schemaVersion":2`), []byte(`"schemaVersion":3`), 1))
		})
	}
	r := newRig(t, chain{wrong}, nil)
	ends := r.endpoints(t)
	plan, err := plan.New(t.Context(), ends, r.artifacts([]name{app}), r.planOptions)
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, plan.Artifacts[0].Err, registry.SideSource, "digest", nil)
}

// A source that stalls makes the target close its idle upload. Both are mended, and
// nothing is fetched twice.
func TestSlowSourceImpatientTarget(t *testing.T) {
	t.Parallel()
	r := newRig(t,
		chain{cutDownload(cutAt, 1, faults.Stall)},
		chain{faults.CutIdleUploads(500 * time.Millisecond)})
	r.source.opts.StallTimeout = 3 * time.Second
	succeeded(t, r.copy(t.Context(), t, app))
	r.arrived(t, app)
	r.moved(t, layerSize, once, cutAt)
}

// What breaks under TLS breaks without a TLS goodbye.
func TestBreaksUnderTLS(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name                 string
		source, target       chain
		extraRead, extraSent int64
	}{
		{name: "source closes", source: chain{cutDownload(3*mib, 4, faults.Close)}},
		{name: "source resets", source: chain{cutDownload(cutAt, 1, faults.Reset)}, extraRead: underWay},
		{name: "source stalls", source: chain{cutDownload(cutAt, 1, faults.Stall)}},
		{name: "target closes", extraRead: once, target: chain{cutUpload(cutAt, faults.Close)}, extraSent: cutAt},
		{name: "target stalls", extraRead: once, target: chain{cutUpload(8*mib, faults.Stall)}, extraSent: 8 * mib},
	}
	source := registrytest.Debian(t, registrytest.Options{TLS: true})
	first := &rig{source: newSide(t, source)}
	first.push(t, app, newLayer(t, layerSize))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := &rig{
				source: newSide(t, source, tt.source...),
				target: newSide(t, registrytest.Distribution(t, registrytest.Options{TLS: true}), tt.target...),
			}
			r.source.opts.StallTimeout, r.target.opts.StallTimeout = 3*time.Second, 3*time.Second
			succeeded(t, r.copy(t.Context(), t, app))
			r.arrived(t, app)
			r.moved(t, layerSize, tt.extraRead, tt.extraSent)
		})
	}
}
