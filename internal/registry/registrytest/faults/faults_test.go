package faults

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// content is what the fake registry's only blob holds: 64 KiB that tell where they are.
var content = func() []byte {
	var b bytes.Buffer
	for b.Len() < 64<<10 {
		fmt.Fprintf(&b, "%07d\n", b.Len())
	}
	return b.Bytes()
}()

var (
	blobURL   = fmt.Sprintf("/v2/app/blobs/sha256:%x", sha256.Sum256(content))
	uploadURL = "/v2/app/blobs/uploads/1"
)

// fakeRegistry is the least that faults stand round: one blob, uploads that are kept, and
// a note of every request that came through.
type fakeRegistry struct {
	mu       sync.Mutex
	requests []string
	uploads  [][]byte
}

func (f *fakeRegistry) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	f.mu.Lock()
	f.requests = append(f.requests, r.Method+" "+r.URL.RequestURI())
	if len(body) > 0 {
		f.uploads = append(f.uploads, body)
	}
	f.mu.Unlock()
	switch q := registrytest.Classify(r); q.Kind {
	case registrytest.GetBlob:
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	case registrytest.Mount:
		w.WriteHeader(http.StatusCreated)
	case registrytest.StartUpload:
		w.Header().Set("Location", "/v2/app/blobs/uploads/1?_state=a%3D")
		w.WriteHeader(http.StatusAccepted)
	case registrytest.PatchUpload:
		w.WriteHeader(http.StatusAccepted)
	case registrytest.PutUpload, registrytest.PutManifest:
		w.WriteHeader(http.StatusCreated)
	case registrytest.HeadManifest:
		w.Header().Set("Docker-Content-Digest", "sha256:abc")
		w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
		w.Header().Set("Content-Length", "321")
	}
}

func (f *fakeRegistry) got() (requests []string, uploads [][]byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.requests...), append([][]byte(nil), f.uploads...)
}

// lab is a registry behind faults, with a client of its own.
type lab struct {
	*testing.T
	registry *fakeRegistry
	client   *http.Client
	url      string
}

func newLab(t *testing.T, faults ...registrytest.Middleware) lab {
	t.Helper()
	registry := &fakeRegistry{}
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{
		Transport:     transport,
		Timeout:       20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return lab{T: t, registry: registry, client: client, url: registrytest.Start(t, registry, faults...)}
}

// reply is what a client saw: how many bytes came, and how they ended.
type reply struct {
	status int
	header http.Header
	body   []byte
	length int64
	err    error
}

func (l lab) do(method, path string, body io.Reader, header ...string) reply {
	l.Helper()
	r, err := http.NewRequestWithContext(l.Context(), method, l.url+path, body)
	if err != nil {
		l.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := l.client.Do(r)
	if err != nil {
		return reply{err: err} // no answer, and so status 0
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, res.Header, got, res.ContentLength, err}
}

func TestCutDownloads(t *testing.T) {
	tests := []struct {
		how  Ending
		want error
	}{
		{Close, io.ErrUnexpectedEOF},
		{Reset, syscall.ECONNRESET},
	}
	for _, tt := range tests {
		l := newLab(t, CutDownloads(Cut{After: 10000, Skip: 1, Times: 2, How: tt.how}))
		for i, whole := range []bool{true, false, false, true} {
			got := l.do("GET", blobURL, nil)
			switch {
			case whole && (got.err != nil || !bytes.Equal(got.body, content)):
				t.Errorf("download %d = %d bytes, %v, want all %d", i, len(got.body), got.err, len(content))
			case !whole && (!errors.Is(got.err, tt.want) || len(got.body) != 10000):
				t.Errorf("download %d = %d bytes, %v, want 10000, %v", i, len(got.body), got.err, tt.want)
			}
		}
	}
}

// What is shorter than the cut passes, and does not use the cut up.
func TestCutDownloadsLetsShortOnesPass(t *testing.T) {
	l := newLab(t, CutDownloads(Cut{After: 10000, Times: 1}))
	if got := l.do("GET", blobURL, nil, "Range", "bytes=60000-"); got.err != nil || got.status != http.StatusPartialContent {
		t.Errorf("short download = %d, %v, want 206", got.status, got.err)
	}
	if got := l.do("GET", blobURL, nil, "Range", "bytes=20000-"); !bytes.Equal(got.body, content[20000:30000]) || got.err == nil {
		t.Errorf("long download = %d bytes, %v, want 10000 and an error", len(got.body), got.err)
	}
}

func TestStalledDownloadEndsWithItsClient(t *testing.T) {
	stalled, ended := make(chan struct{}), make(chan struct{})
	fault := CutDownloads(Cut{After: 10000, Times: 1, How: Stall, Struck: func() { close(stalled) }})
	l := newLab(t, tellEnd(func() { close(ended) }), fault)
	body := l.begin()
	if n, err := io.ReadFull(body, make([]byte, 10000)); err != nil {
		t.Errorf("%d bytes came before the stall, %v, want 10000", n, err)
	}
	<-stalled
	select {
	case <-ended:
		t.Error("the stall ended before its client gave up")
	default:
	}
	_ = body.Close()
	<-ended
}

// tellEnd calls ended when a request has been served, however that ended.
func tellEnd(ended func()) registrytest.Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer ended()
			next.ServeHTTP(w, r)
		})
	}
}

// A cut works behind a proxy too, which gives up on a client that goes away by a panic.
func TestCutDownloadsBeforeAProxy(t *testing.T) {
	behind := registrytest.InProcess(t, registrytest.Options{Wrap: []registrytest.Middleware{func(http.Handler) http.Handler { return &fakeRegistry{} }}})
	front := registrytest.Front(t, behind, CutDownloads(Cut{After: 10000, Times: 1}))
	l := lab{T: t, client: &http.Client{Transport: front.Transport()}, url: front.URL}
	if got := l.do("GET", blobURL, nil); !errors.Is(got.err, io.ErrUnexpectedEOF) || len(got.body) != 10000 {
		t.Errorf("download = %d bytes, %v, want 10000, %v", len(got.body), got.err, io.ErrUnexpectedEOF)
	}
}

func TestIgnoreRange(t *testing.T) {
	l := newLab(t, IgnoreRange())
	got := l.do("GET", blobURL, nil, "Range", "bytes=20000-")
	if got.status != http.StatusOK || !bytes.Equal(got.body, content) {
		t.Errorf("download of a range = %d, %d bytes, want 200, all", got.status, len(got.body))
	}
}

func TestWrongContentRange(t *testing.T) {
	l := newLab(t, WrongContentRange(7, 1))
	l.do("GET", blobURL, nil) // not a range: the fault is not used up
	want := fmt.Sprintf("bytes 20007-%d/%d", len(content)-1, len(content))
	got := l.do("GET", blobURL, nil, "Range", "bytes=20000-")
	if got.header.Get("Content-Range") != want || !bytes.Equal(got.body, content[20000:]) {
		t.Errorf("Content-Range = %q and %d bytes, want %q", got.header.Get("Content-Range"), len(got.body), want)
	}
	if got := l.do("GET", blobURL, nil, "Range", "bytes=20000-"); !strings.HasPrefix(got.header.Get("Content-Range"), "bytes 20000-") {
		t.Errorf("second Content-Range = %q, want the true one", got.header.Get("Content-Range"))
	}
}

func TestWrongBytes(t *testing.T) {
	l := newLab(t, WrongBytes(30000, 1))
	want := bytes.Clone(content)
	want[30000] ^= 1
	if got := l.do("GET", blobURL, nil); !bytes.Equal(got.body, want) {
		t.Error("first download: want one bit of one byte wrong")
	}
	if got := l.do("GET", blobURL, nil); !bytes.Equal(got.body, content) {
		t.Error("second download: want it right")
	}
}

func TestEndEarly(t *testing.T) {
	tests := []struct {
		declared bool
		want     int64
	}{{true, 10000}, {false, -1}}
	for _, tt := range tests {
		l := newLab(t, EndEarly(10000, tt.declared, 1))
		got := l.do("GET", blobURL, nil)
		if got.err != nil || got.length != tt.want || !bytes.Equal(got.body, content[:10000]) {
			t.Errorf("EndEarly(declared %v): %d bytes, Content-Length %d, %v, want 10000, %d, nil",
				tt.declared, len(got.body), got.length, got.err, tt.want)
		}
		if got := l.do("GET", blobURL, nil); !bytes.Equal(got.body, content) {
			t.Errorf("second download = %d bytes, want all", len(got.body))
		}
	}
}

func TestCutUploads(t *testing.T) {
	for _, how := range []Ending{Close, Reset} {
		l := newLab(t, CutUploads(Cut{After: 10000, Times: 1, How: how}))
		if got := l.do("PUT", uploadURL, strings.NewReader("config")); got.status != http.StatusCreated {
			t.Errorf("short upload = %d, %v, want 201", got.status, got.err)
		}
		if got := l.do("PATCH", uploadURL, bytes.NewReader(content)); got.err == nil || got.status != 0 {
			t.Errorf("first long upload = %d, %v, want no answer", got.status, got.err)
		}
		// Its length is not known beforehand.
		if got := l.do("PATCH", uploadURL, io.MultiReader(bytes.NewReader(content))); got.status != http.StatusAccepted {
			t.Errorf("second long upload = %d, %v, want 202", got.status, got.err)
		}
		_, uploads := l.registry.got()
		want := [][]byte{[]byte("config"), content[:10000], content}
		if fmt.Sprint(lengths(uploads)) != fmt.Sprint(lengths(want)) || !bytes.Equal(uploads[1], want[1]) {
			t.Errorf("uploads at the registry: %v bytes, want %v", lengths(uploads), lengths(want))
		}
	}
}

// An upload of unknown length that turns out to be short does not use the cut up.
func TestCutUploadsOfUnknownLength(t *testing.T) {
	l := newLab(t, CutUploads(Cut{After: 10000, Times: 1}))
	if got := l.do("PATCH", uploadURL, io.MultiReader(bytes.NewReader(content[:10000]))); got.status != http.StatusAccepted {
		t.Errorf("upload of 10000 bytes = %d, %v, want 202", got.status, got.err)
	}
	if got := l.do("PATCH", uploadURL, io.MultiReader(bytes.NewReader(content))); got.err == nil {
		t.Errorf("longer upload = %d, want an error", got.status)
	}
}

func TestCutIdleUploads(t *testing.T) {
	l := newLab(t, CutIdleUploads(time.Minute))
	if got := l.do("PATCH", uploadURL, bytes.NewReader(content)); got.status != http.StatusAccepted {
		t.Errorf("steady upload = %d, %v, want 202", got.status, got.err)
	}
	cut := make(chan struct{})
	l = newLab(t, tellEnd(func() { close(cut) }), CutIdleUploads(200*time.Millisecond))
	reader, writer := io.Pipe()
	go func() {
		_, _ = writer.Write(content)
		<-cut
		_ = writer.Close() // net/http's client does not return before its body ends
	}()
	if got := l.do("PATCH", uploadURL, reader); got.err == nil || isTimeout(got.err) {
		t.Errorf("idle upload = %d, %v, want it cut", got.status, got.err)
	}
}

func TestWrongUploadBytes(t *testing.T) {
	l := newLab(t, WrongUploadBytes(30000, 1))
	for range 2 {
		if got := l.do("PATCH", uploadURL, bytes.NewReader(content)); got.status != http.StatusAccepted {
			t.Fatalf("upload = %d, %v, want 202", got.status, got.err)
		}
	}
	_, uploads := l.registry.got()
	want := bytes.Clone(content)
	want[30000] ^= 1
	if !bytes.Equal(uploads[0], want) || !bytes.Equal(uploads[1], content) {
		t.Error("want one bit of one byte wrong in the first upload, and the second right")
	}
}

func TestStalledUploadEndsWithItsClient(t *testing.T) {
	l := newLab(t, CutUploads(Cut{After: 10000, Times: 1, How: Stall}))
	l.client.Timeout = 300 * time.Millisecond
	endless := io.MultiReader(bytes.NewReader(content), endlessZeros{})
	if got := l.do("PATCH", uploadURL, endless); !isTimeout(got.err) {
		t.Errorf("stalled upload = %d, %v, want the client's own timeout", got.status, got.err)
	}
}

func TestAnswer(t *testing.T) {
	tests := []struct {
		fate Fate
		want int // uploads that reach the registry
	}{{Unread, 0}, {Swallowed, 0}, {CarriedOut, 1}}
	for _, tt := range tests {
		l := newLab(t, Answer{
			On: On(registrytest.PutUpload), MinBody: 100, Times: 1, Body: tt.fate,
			Status: http.StatusServiceUnavailable, Code: "UNAVAILABLE", Header: RetryAfter(3 * time.Second),
		}.Fault())
		if got := l.do("PUT", uploadURL, strings.NewReader("short")); got.status != http.StatusCreated {
			t.Errorf("fate %d: short body answered %d, want 201", tt.fate, got.status)
		}
		got := l.do("PUT", uploadURL, bytes.NewReader(content))
		if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") != "3" ||
			!strings.Contains(string(got.body), `"code":"UNAVAILABLE"`) {
			t.Errorf("fate %d: answer = %d %v %s, want 503 with Retry-After and code", tt.fate, got.status, got.header, got.body)
		}
		if _, uploads := l.registry.got(); len(uploads)-1 != tt.want {
			t.Errorf("fate %d: %d long uploads reached the registry, want %d", tt.fate, len(uploads)-1, tt.want)
		}
		if got := l.do("PUT", uploadURL, bytes.NewReader(content)); got.status != http.StatusCreated {
			t.Errorf("fate %d: second upload answered %d, want 201", tt.fate, got.status)
		}
	}
}

func TestAnswerWithoutACodeIsAProxys(t *testing.T) {
	got := newLab(t, Answer{Status: 502, Times: Always}.Fault()).do("GET", blobURL, nil)
	if got.status != 502 || string(got.body) != "Bad Gateway\n" {
		t.Errorf("answer = %d %q, want 502, Bad Gateway", got.status, got.body)
	}
}

func TestAnswerHidesTheCarriedOutReply(t *testing.T) {
	l := newLab(t, Answer{On: On(registrytest.StartUpload), Body: CarriedOut, Status: 500, Times: Always}.Fault())
	if got := l.do("POST", "/v2/app/blobs/uploads/", nil); got.status != 500 || got.header.Get("Location") != "" {
		t.Errorf("answer = %d, Location %q, want 500 and none", got.status, got.header.Get("Location"))
	}
}

func TestAnswerToABodyOfUnknownLength(t *testing.T) {
	l := newLab(t, Answer{MinBody: 100, Times: Always, Body: Swallowed, Status: 500}.Fault())
	if got := l.do("PATCH", uploadURL, io.MultiReader(strings.NewReader("short"))); got.status != http.StatusAccepted {
		t.Errorf("short body answered %d, want 202", got.status)
	}
	if got := l.do("PATCH", uploadURL, io.MultiReader(bytes.NewReader(content))); got.status != 500 {
		t.Errorf("long body answered %d, want 500", got.status)
	}
	if _, uploads := l.registry.got(); len(uploads) != 1 || string(uploads[0]) != "short" {
		t.Errorf("uploads at the registry = %v bytes, want the short one, whole", lengths(uploads))
	}
}

// unread fails its test when it is read.
type unread struct{ *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.Error("a body was sent")
	return 0, io.EOF
}

// Who asks whether a body of unknown length is welcome is answered before any of it, as by a registry.
func TestAnswerToWhoAsksFirst(t *testing.T) {
	l := newLab(t, Answer{MinBody: 100, Times: 1, Status: http.StatusTooManyRequests}.Fault())
	l.client.Transport.(*http.Transport).ExpectContinueTimeout = time.Minute
	if got := l.do("PATCH", uploadURL, unread{t}, "Expect", "100-continue"); got.status != http.StatusTooManyRequests {
		t.Errorf("answer = %d, %v, want 429", got.status, got.err)
	}
	got := l.do("PATCH", uploadURL, io.MultiReader(bytes.NewReader(content)), "Expect", "100-continue")
	if _, uploads := l.registry.got(); got.status != http.StatusAccepted || len(uploads) != 1 || !bytes.Equal(uploads[0], content) {
		t.Errorf("the next one is answered %d, %v, want 202 and all of it there", got.status, got.err)
	}
}

func TestBusyAndUploadUnknown(t *testing.T) {
	l := newLab(t, Busy(On(registrytest.GetManifest), 5*time.Second, 2), UploadUnknown(1))
	for i, want := range []int{429, 429, 200} {
		got := l.do("GET", "/v2/app/manifests/v1", nil)
		if got.status != want || (want == 429) != (got.header.Get("Retry-After") == "5") {
			t.Errorf("request %d = %d, Retry-After %q, want %d", i, got.status, got.header.Get("Retry-After"), want)
		}
	}
	for i, want := range []int{404, 201} {
		if got := l.do("PUT", uploadURL, bytes.NewReader(content)); got.status != want {
			t.Errorf("upload %d = %d, want %d", i, got.status, want)
		}
	}
}

func TestSilence(t *testing.T) {
	l := newLab(t, Silence(On(registrytest.PutUpload), 1))
	l.client.Timeout = 300 * time.Millisecond
	if got := l.do("PUT", uploadURL, bytes.NewReader(content)); !isTimeout(got.err) {
		t.Errorf("first upload = %d, %v, want the client's own timeout", got.status, got.err)
	}
	l.client.Timeout = 20 * time.Second
	if got := l.do("PUT", uploadURL, bytes.NewReader(content)); got.status != http.StatusCreated {
		t.Errorf("second upload = %d, %v, want 201", got.status, got.err)
	}
}

func TestRetryAfterDate(t *testing.T) {
	at, err := http.ParseTime(RetryAfterDate(10 * time.Second)().Get("Retry-After"))
	if wait := time.Until(at); err != nil || wait < 8*time.Second || wait > 10*time.Second {
		t.Errorf("RetryAfterDate(10s) is in %v, %v, want about 10 s", wait, err)
	}
}

func TestTooLarge(t *testing.T) {
	l := newLab(t, TooLarge(10000))
	tests := []struct {
		name string
		body io.Reader
		want int
	}{
		{"declared, small", bytes.NewReader(content[:10000]), 201},
		{"declared, large", bytes.NewReader(content[:10001]), 413},
		{"undeclared, small", io.MultiReader(bytes.NewReader(content[:10000])), 201},
		{"undeclared, large", io.MultiReader(bytes.NewReader(content[:10001])), 413},
	}
	for _, tt := range tests {
		if got := l.do("PUT", uploadURL, tt.body); got.status != tt.want {
			t.Errorf("%s body answered %d, %v, want %d", tt.name, got.status, got.err, tt.want)
		}
	}
}

func TestNoPatch(t *testing.T) {
	l := newLab(t, NoPatch())
	if got := l.do("PATCH", uploadURL, bytes.NewReader(content)); got.status != 405 {
		t.Errorf("PATCH = %d, want 405", got.status)
	}
	if got := l.do("PUT", uploadURL, bytes.NewReader(content)); got.status != 201 {
		t.Errorf("PUT = %d, want 201", got.status)
	}
}

func TestChunkMinLength(t *testing.T) {
	l := newLab(t, ChunkMinLength(1000))
	if got := l.do("POST", "/v2/app/blobs/uploads/", nil).header.Get("OCI-Chunk-Min-Length"); got != "1000" {
		t.Errorf("OCI-Chunk-Min-Length = %q, want 1000", got)
	}
	for i, piece := range []struct{ length, want int }{{1000, 202}, {999, 202}, {1000, 416}} {
		if got := l.do("PATCH", uploadURL, bytes.NewReader(content[:piece.length])); got.status != piece.want {
			t.Errorf("piece %d of %d bytes = %d, want %d", i, piece.length, got.status, piece.want)
		}
	}
}

func TestNoMount(t *testing.T) {
	l := newLab(t, NoMount())
	if got := l.do("POST", "/v2/app/blobs/uploads/?mount=sha256:a&from=b", nil); got.status != 202 || got.header.Get("Location") == "" {
		t.Errorf("mount = %d, Location %q, want 202 and an upload", got.status, got.header.Get("Location"))
	}
}

func TestMountReferencedOnly(t *testing.T) {
	l := newLab(t, MountReferencedOnly())
	mount := "/v2/app/blobs/uploads/?mount=sha256:a&from=base"
	if got := l.do("POST", mount, nil); got.status != 202 {
		t.Errorf("mount before the manifest = %d, want 202", got.status)
	}
	l.do("PUT", "/v2/base/manifests/v1", strings.NewReader(`{"config":{"digest":"sha256:c"},"layers":[{"digest":"sha256:a"}]}`))
	if got := l.do("POST", mount, nil); got.status != 201 {
		t.Errorf("mount after the manifest = %d, want 201", got.status)
	}
	if got := l.do("POST", strings.Replace(mount, "base", "other", 1), nil); got.status != 202 {
		t.Errorf("mount from elsewhere = %d, want 202", got.status)
	}
}

func TestOnlyRepositories(t *testing.T) {
	l := newLab(t, OnlyRepositories("app"))
	for path, want := range map[string]int{
		"/v2/app/blobs/uploads/": 202, "/v2/new/blobs/uploads/": 404,
	} {
		if got := l.do("POST", path, nil); got.status != want {
			t.Errorf("POST %s = %d, want %d", path, got.status, want)
		}
	}
	if got := l.do("GET", "/v2/", nil); got.status != 200 {
		t.Errorf("ping = %d, want 200", got.status)
	}
}

func TestHeads(t *testing.T) {
	bare := newLab(t, BareHead()).do("HEAD", "/v2/app/manifests/v1", nil)
	for _, name := range []string{"Docker-Content-Digest", "Content-Type", "Content-Length"} {
		if got := bare.header.Get(name); got != "" {
			t.Errorf("BareHead: %s = %q, want none", name, got)
		}
	}
	if bare.status != 200 {
		t.Errorf("BareHead: %d, want 200", bare.status)
	}
	if got := newLab(t, NoHead()).do("HEAD", "/v2/app/manifests/v1", nil); got.status != 405 {
		t.Errorf("NoHead: %d, want 405", got.status)
	}
}

func TestLocations(t *testing.T) {
	const path = "/v2/app/blobs/uploads/1?_state=a%3D"
	l := newLab(t, AbsoluteLocations())
	if got := l.do("POST", "/v2/app/blobs/uploads/", nil).header.Get("Location"); got != l.url+path {
		t.Errorf("absolute Location = %q, want %q", got, l.url+path)
	}
	l = newLab(t, RelativeLocations(), AbsoluteLocations())
	if got := l.do("POST", "/v2/app/blobs/uploads/", nil).header.Get("Location"); got != path {
		t.Errorf("relative Location = %q, want %q", got, path)
	}
}

func TestObjectStore(t *testing.T) {
	var handler http.Handler
	at := registrytest.Start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	store := NewObjectStore(at)
	handler = store.Handler(&fakeRegistry{})
	l := newLab(t, store.Redirect())

	got := l.do("GET", blobURL, nil)
	location := got.header.Get("Location")
	if got.status != http.StatusTemporaryRedirect || !strings.HasPrefix(location, at) {
		t.Fatalf("download = %d to %q, want 307 to %s", got.status, location, at)
	}
	l.url = at
	location = strings.TrimPrefix(location, at)
	if got := l.do("GET", location, nil, "Range", "bytes=20000-"); !bytes.Equal(got.body, content[20000:]) {
		t.Errorf("download from the store = %d, %d bytes, want the range", got.status, len(got.body))
	}
	if got := l.do("GET", location, nil, "Authorization", "Bearer x"); got.status != http.StatusBadRequest {
		t.Errorf("download with credentials = %d, want 400", got.status)
	}
	if got := l.do("GET", strings.TrimSuffix(location, "%3D"), nil); got.status != http.StatusForbidden {
		t.Errorf("download with half a signature = %d, want 403", got.status)
	}
	if store.Served.Load() != 1 || store.Refused.Load() != 1 {
		t.Errorf("served %d, refused %d, want 1 and 1", store.Served.Load(), store.Refused.Load())
	}
}

func TestTokenExpired(t *testing.T) {
	l := newLab(t, TokenExpired("http://tokens/token", Swallowed, 1))
	send := func(token string) reply {
		return l.do("PUT", uploadURL, bytes.NewReader(content), "Authorization", token)
	}
	if got := l.do("PUT", uploadURL, bytes.NewReader(content)); got.status != 201 {
		t.Errorf("upload without a token = %d, want 201", got.status)
	}
	got := send("Bearer a")
	want := `Bearer realm="http://tokens/token",service="registrytest",scope="repository:app:pull,push",error="invalid_token"`
	if got.status != 401 || got.header.Get("Www-Authenticate") != want {
		t.Errorf("upload = %d, challenge %q, want 401, %q", got.status, got.header.Get("Www-Authenticate"), want)
	}
	if got := l.do("GET", "/v2/app/manifests/v1", nil, "Authorization", "Bearer a"); got.status != 401 {
		t.Errorf("request with the same token = %d, want 401", got.status)
	}
	if got := send("Bearer b"); got.status != 201 {
		t.Errorf("upload with another token = %d, want 201", got.status)
	}
}

func TestStormHitsItsShares(t *testing.T) {
	storm := Storm{Seed: 1, CutDownloads: 0.4, CutUploads: 0.1, Busy: 0.1, Pause: time.Second}
	cut, busy := downloadInStorm(t, storm, 300)
	if busy < 15 || busy > 50 {
		t.Errorf("%d of 300 requests refused, want about 30", busy)
	}
	if cut < 80 || cut > 140 {
		t.Errorf("%d of 300 downloads cut, want about 108", cut)
	}
	again, busyAgain := downloadInStorm(t, storm, 300)
	if cut != again || busy != busyAgain {
		t.Errorf("the same seed cut %d and refused %d, then %d and %d", cut, busy, again, busyAgain)
	}
	storm.Seed = 2
	if other, busyOther := downloadInStorm(t, storm, 300); other == cut && busyOther == busy {
		t.Error("another seed gave the same weather")
	}
}

func downloadInStorm(t *testing.T, storm Storm, n int) (cut, busy int) {
	t.Helper()
	l := newLab(t, storm.Fault())
	for range n {
		got := l.do("GET", blobURL, nil)
		switch {
		case got.status == 429 || got.status == 503:
			busy++
			if got.header.Get("Retry-After") != "1" {
				t.Fatalf("Retry-After = %q, want 1", got.header.Get("Retry-After"))
			}
		case got.err != nil:
			cut++
		case !bytes.Equal(got.body, content):
			t.Fatalf("download = %d bytes, want all or an error", len(got.body))
		}
	}
	return cut, busy
}

func TestStormCutsUploads(t *testing.T) {
	l := newLab(t, Storm{Seed: 1, CutUploads: 1}.Fault())
	for _, body := range []io.Reader{bytes.NewReader(content), io.MultiReader(bytes.NewReader(content), zeros(9<<20))} {
		if got := l.do("PATCH", uploadURL, body); got.err == nil {
			t.Errorf("upload = %d, want it cut", got.status)
		}
	}
	if got := l.do("POST", "/v2/app/blobs/uploads/", nil); got.status != 202 {
		t.Errorf("upload's start = %d, %v, want 202", got.status, got.err)
	}
}

func lengths(all [][]byte) []string {
	var n []string
	for _, b := range all {
		n = append(n, strconv.Itoa(len(b)))
	}
	return n
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}

func zeros(n int64) io.Reader { return io.LimitReader(endlessZeros{}, n) }

type endlessZeros struct{}

func (endlessZeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
