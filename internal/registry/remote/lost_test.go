package remote

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest/faults"
)

// instead answers a piece once in the registry's place.
func instead(body faults.Fate, status, skip int) registrytest.Middleware {
	return faults.Answer{
		On: faults.On(registrytest.PatchUpload), MinBody: mib, Skip: skip, Times: 1, Body: body, Status: status,
	}.Fault()
}

// What faults cost at real registries: of a piece that has arrived nothing is sent again, and of one
// that is refused nothing is sent. Distribution 2.8 is another matter where the answer to a piece is
// lost, or a body is cut: the address of an upload says how much of it there is, and at one that says
// something else the upload is refused, and gone.
func TestLargePiecesUnderFaults(t *testing.T) {
	const underWay = 8 * mib // on its way through a proxy when that cuts a body
	for _, tt := range []struct {
		name   string
		size   int // MiB
		fault  registrytest.Middleware
		v2, v3 int64 // MiB that are sent
		slack  int64
	}{
		{"the answer to a piece is lost", 40, instead(faults.CarriedOut, 500, 0), 80, 40, 0},
		{"the answer to a second piece is lost", 100, instead(faults.CarriedOut, 503, 1), 200, 100, 0},
		{"a second piece is lost", 100, instead(faults.Swallowed, 503, 1), 136, 136, 0},
		{"busy", 40, instead(faults.Unread, 429, 0), 40, 40, 0},
		{"the upload is gone", 40, instead(faults.Unread, 404, 0), 40, 40, 0},
		{"a bound of 10 MiB", 40, faults.TooLarge(10 * mib), 50, 40, underWay},
		{"a bound between two pieces", 140, faults.TooLarge(66 * mib), 270, 140, underWay},
	} {
		for _, behind := range []struct {
			name  string
			start func(testing.TB, registrytest.Options) *registrytest.Registry
			want  int64
		}{
			{"distribution 2.8", registrytest.Debian, tt.v2}, {"distribution v3", registrytest.Distribution, tt.v3},
		} {
			t.Run(tt.name+", "+behind.name, func(t *testing.T) {
				var counter registrytest.Counter
				front := registrytest.Front(t, behind.start(t, registrytest.Options{}), counter.Wrap, tt.fault)
				content := noise(tt.size * mib)
				client := run(t, front.Host, t.TempDir(), Options{})
				outcome, err := client.PushBlob(t.Context(), "a", blobOf(t, content), memoryBody(content), false)
				if err != nil || outcome != registry.Uploaded {
					t.Fatalf("PushBlob() = %v, %v, want it uploaded", outcome, err)
				}
				if there, err := client.HasBlob(t.Context(), "a", blobOf(t, content)); err != nil || !there {
					t.Errorf("HasBlob() = %t, %v after that, want true", there, err)
				}
				got := counter.Counts()
				if got.BytesReceived > behind.want*mib+tt.slack {
					t.Errorf("that took %s, want %d MiB received", got, behind.want)
				}
			})
		}
	}
}

// A token that expires before a piece costs no byte of it.
func TestATokenThatExpiresBeforeAPiece(t *testing.T) {
	var counter registrytest.Counter
	behind := registrytest.Debian(t, registrytest.Options{Tokens: &registrytest.TokenOptions{}})
	front := registrytest.Front(t, behind, counter.Wrap, faults.TokenExpired(behind.Tokens.Realm(), faults.Unread, 1))
	content := noise(40 * mib)
	body := &counted{memoryBody: content}
	client := run(t, front.Host, t.TempDir(), Options{Keychain: front.Keychain(), Push: true})
	if _, err := client.PushBlob(t.Context(), "a", blobOf(t, content), body, false); err != nil {
		t.Fatal(err)
	}
	if got := counter.Counts(); got.BytesReceived != 40*mib || body.read != 40*mib || got.Unauthorized[registrytest.PatchUpload] != 1 {
		t.Errorf("%d bytes were read, and that took %s; want one piece refused, and 40 MiB both times", body.read, got)
	}
}

// Whatever a registry says when it is asked where an upload stands, the blob is what was sent.
func TestLargeUploadsThatARegistryTellsWrongOf(t *testing.T) {
	const size = 40 * mib
	for _, tt := range []struct {
		name   string
		status int
		stands string // what the registry claims
		want   string // the requests after the one whose answer is lost
		got    int64
	}{
		{"all of it", 204, fmt.Sprintf("0-%d", size-1), "GET PUT", size},
		{"does not know the question", 404, "", "GET POST PATCH PUT", 2 * size},
		{"does not allow the question", 405, "", "GET POST PATCH PUT", 2 * size},
		{"does not say", 204, "", "GET DELETE POST PATCH PUT", 2 * size},
		{"says nothing that can be read", 204, "bytes=a-b", "GET DELETE POST PATCH PUT", 2 * size},
		{"nothing", 204, "0-0", "GET DELETE POST PATCH PUT", 2 * size},
		{"more than there is of the blob", 204, fmt.Sprintf("0-%d", size), "GET DELETE POST PATCH PUT", 2 * size},
		{"less than it has", 204, fmt.Sprintf("0-%d", size/2-1), "GET PATCH PUT POST PATCH PUT", 5 * size / 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := newResumable()
			lost := true
			k.odd = func(w http.ResponseWriter, r *http.Request) bool {
				switch {
				case r.Method == http.MethodGet:
					if tt.stands != "" {
						w.Header().Set("Range", tt.stands)
					}
					w.WriteHeader(tt.status)
				case r.Method == http.MethodPatch && lost:
					lost = false
					k.open[r.URL.Path].Write(noise(size))
					w.WriteHeader(http.StatusInternalServerError)
				default:
					return false
				}
				return true
			}
			host, content := serveResumable(t, k), noise(size)
			if _, err := run(t, host, t.TempDir(), Options{}).PushBlob(t.Context(), "a", blobOf(t, content), memoryBody(content), false); err != nil {
				t.Fatal(err)
			}
			methods, got := k.sofar()
			if want := "POST PATCH " + tt.want; methods != want || got != tt.got {
				t.Errorf("%d bytes were sent by %s, want %d by %s", got, methods, tt.got, want)
			}
			if !bytes.Equal(k.blobs[blobOf(t, content).Digest.String()], content) {
				t.Error("the registry has other content than was sent")
			}
		})
	}
}

// lingering is a Body whose first reader is still at a read when the next begins.
type lingering struct {
	memoryBody
	readers int
	next    chan struct{}
}

func (l *lingering) From(offset int64) (io.Reader, error) {
	content, err := l.memoryBody.From(offset)
	switch l.readers++; l.readers {
	case 1:
		content = io.MultiReader(io.LimitReader(content, mib), readerFunc(func(p []byte) (int, error) {
			<-l.next
			return len(p), nil
		}))
	case 2:
		content = io.MultiReader(io.LimitReader(content, mib), readerFunc(func([]byte) (int, error) {
			close(l.next)
			return 0, io.EOF
		}), content)
	}
	return content, err
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// What of a body is still read when it has been refused does not count as sent by the next one.
func TestABodyThatIsStillReadWhenTheNextIsSent(t *testing.T) {
	k := newResumable()
	host := registrytest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPatch && r.Header.Get("Authorization") == "" {
			_, _ = io.CopyN(io.Discard, r.Body, mib)
			w.Header().Set("Www-Authenticate", `Basic realm="registry"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		k.ServeHTTP(w, r)
	}).Listener.Addr().String()
	content := noise(40 * mib)
	body := &lingering{memoryBody: content, next: make(chan struct{})}
	client := run(t, host, t.TempDir(), Options{Keychain: registrytest.Keychain{host: {Username: "user", Password: "secret"}}})
	if _, err := client.PushBlob(t.Context(), "a", blobOf(t, content), body, false); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(k.blobs[blobOf(t, content).Digest.String()], content) {
		t.Error("the registry has other content than was sent")
	}
}
