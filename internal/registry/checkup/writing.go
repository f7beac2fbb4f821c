package checkup

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/finding"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport"
)

// What could be done about what is found about writing.
const (
	// AskFurther: nothing is written unless somebody allows it.
	AskFurther finding.Remedy = "write"
	// Grant: the login may not push.
	Grant finding.Remedy = "grant"
	// RaiseLimit: something refuses large bodies.
	RaiseLimit finding.Remedy = "limit"
	// CleanUp: something is left that could not be taken back.
	CleanUp finding.Remedy = "clean up"
)

func (e *examination) writing() []finding.Probe {
	if e.Side != registry.SideTarget {
		return nil
	}
	if e.Write == Nothing {
		return []finding.Probe{
			e.unless("push", e.granted),
			e.unless("uploads", func(context.Context) finding.Finding {
				found := finding.Skipf("whether repositories are made on push, blobs are mounted and taken in chunks, and how large they may be shows in uploads that are opened and cancelled")
				found.Remedy = AskFurther
				return found
			}),
		}
	}
	if at := e.place(); e.broken == "" && at != "" {
		e.Told(fmt.Sprintf("opening uploads in %s/%s, and cancelling them", e.Client.Host(), at))
	}
	return []finding.Probe{
		e.unless("push", e.push),
		e.unless("created on push", e.createdOnPush),
		e.unless("chunks", e.chunks),
		e.unless("size limit", e.sizes),
		e.unless("mount", e.mount),
	}
}

// place is the repository that is written to: one that is there, so that none is made, or else the
// first that a copy would make.
func (e *examination) place() string {
	for _, some := range [][]string{e.there, e.repositories()} {
		if len(some) > 0 {
			return some[0]
		}
	}
	return ""
}

// granted reads from a token whether it allows pushing, which asks for no more than a token. Where
// repositories are made for whoever asks for such a token, none is asked for one that is not there.
func (e *examination) granted(ctx context.Context) finding.Finding {
	unknown := finding.Skipf("whether the login may push shows in an upload that is opened and cancelled")
	unknown.Remedy = AskFurther
	if len(e.there) == 0 || e.Client.Transport().Standing().Scheme != "bearer" {
		return unknown
	}
	repository := e.there[0]
	resp, err := e.Client.Transport().Do(ctx, transport.Request{
		Op: "asking for permission to push", Ref: e.Client.Host() + "/" + repository, Method: http.MethodGet,
		Path: "/v2/" + repository + "/tags/list?n=1", Need: transport.Access{Repository: repository, Push: true},
		Accept: []int{http.StatusOK},
	})
	if err != nil {
		return e.refused(repository, err)
	}
	resp.Drain()
	actions, known := e.Client.Transport().Granted(repository)
	switch {
	case !known:
		return unknown
	case slices.Contains(actions, "push"), slices.Contains(actions, "*"):
		return finding.Okf("the token for %s allows pushing", repository)
	}
	found := finding.Failf(Grant, "the token for %s does not allow pushing", repository)
	found.About = []string{repository}
	return found
}

// push opens an upload.
func (e *examination) push(ctx context.Context) finding.Finding {
	repository := e.place()
	if repository == "" {
		return finding.Skipf("nothing is selected")
	}
	session, err := e.open(ctx, repository, "")
	if err != nil {
		return e.refused(repository, err)
	}
	return session.end(ctx, finding.Okf("%s takes uploads", repository))
}

// refused is a repository that cannot be written to.
func (e *examination) refused(repository string, err error) finding.Finding {
	e.noteFull(err)
	found := finding.Failure(err)
	found.Says = fmt.Sprintf("%s: %s", repository, essence(err))
	if !errors.Is(err, registry.ErrUnauthorized) && !errors.Is(err, registry.ErrForbidden) && !errors.Is(err, registry.ErrNotFound) {
		return found
	}
	found.About = []string{repository}
	found.Remedy = Grant
	if !slices.Contains(e.there, repository) {
		found.Remedy = CreateRepositories
	}
	return found
}

// createdOnPush opens an upload in a repository that is not there.
func (e *examination) createdOnPush(ctx context.Context) finding.Finding {
	if len(e.absent) == 0 {
		return finding.Okf("all repositories are there")
	}
	repository := e.absent[0]
	session, err := e.open(ctx, repository, "")
	if err != nil {
		found := e.refused(repository, err)
		if found.Remedy == CreateRepositories {
			found.About = e.absent
		}
		return found
	}
	found := session.end(ctx, finding.Okf("%s is not there, and takes uploads", repository))
	if _, err := e.Client.Tags(ctx, repository); err == nil && found.Status == finding.OK {
		found = finding.Warnf(CleanUp, "%s was not there, and has been made by opening an upload: it stays, and is empty", repository)
		found.About = []string{repository}
	}
	return found
}

// Chunks are small: what counts is whether they are taken.
const (
	smallChunk = 1 << 10
	mostChunk  = 8 << 20
)

// chunks sends two pieces, which come to nothing.
func (e *examination) chunks(ctx context.Context) finding.Finding {
	repository := e.place()
	session, err := e.open(ctx, repository, "")
	if err != nil {
		return finding.Skipf("no upload can be opened")
	}
	size := max(smallChunk, session.least)
	if size > mostChunk {
		return session.end(ctx, finding.Okf("chunks have to be of %d bytes at least: none was sent", session.least))
	}
	content := make([]byte, size)
	_, _ = rand.Read(content) // never fails
	for i := range int64(2) {
		if err := session.patch(ctx, content, i*size); err != nil {
			var status *transport.StatusError
			if !errors.As(err, &status) || i == 0 && status.Passing() {
				return session.end(ctx, e.refused(repository, err))
			}
			return session.end(ctx, finding.Warnf("", "chunk %d is refused (%s): blobs go in one body, and start anew where that breaks", i+1, status))
		}
	}
	return session.end(ctx, finding.Okf("blobs are taken in chunks"))
}

// bodies are what bodies of blobs may be as large as, the largest first.
var bodies = []int64{4 << 30, 512 << 20, 100 << 20, 10 << 20, 2 << 20}

// sizes announces bodies, and sends none: whoever refuses them does so before it has seen a byte.
func (e *examination) sizes(ctx context.Context) finding.Finding {
	repository := e.place()
	session, err := e.open(ctx, repository, "")
	if err != nil {
		return finding.Skipf("no upload can be opened")
	}
	refused := int64(0)
	for _, size := range bodies {
		switch session.announce(ctx, size) {
		case welcome:
			if refused == 0 {
				return session.end(ctx, finding.Okf("a body of %s is not refused", binary(size)))
			}
			return session.end(ctx, finding.Warnf(RaiseLimit, "bodies of %s are refused as too large, and such of %s are not: larger blobs go in chunks", binary(refused), binary(size)))
		case tooLarge:
			refused = size
		default:
			return session.end(ctx, finding.Skipf("nobody says of a body in advance whether it is too large"))
		}
	}
	return session.end(ctx, finding.Warnf(RaiseLimit, "even bodies of %s are refused as too large: blobs go in small chunks, where those are taken", binary(refused)))
}

func binary(size int64) string {
	if size >= 1<<30 {
		return strconv.FormatInt(size>>30, 10) + " GiB"
	}
	return strconv.FormatInt(size>>20, 10) + " MiB"
}

// mount asks for a blob that the repository has already from another one that has it too, so that
// nothing changes.
func (e *examination) mount(ctx context.Context) finding.Finding {
	from, to, shared := e.shared()
	if shared == "" {
		return finding.Skipf("the registry does not yet hold a blob in two of the repositories")
	}
	session, err := e.open(ctx, to, "?mount="+shared+"&from="+strings.ReplaceAll(from, "/", "%2F"))
	switch {
	case err != nil:
		return finding.Warnf("", "a blob cannot be mounted from %s: %s; each repository gets an upload of its own", from, essence(err))
	case session == nil:
		return finding.Okf("blobs are mounted, here from %s into %s", from, to)
	}
	return session.end(ctx, finding.Warnf("", "blobs are not mounted: each repository gets an upload of its own"))
}

// shared is a blob that two repositories hold.
func (e *examination) shared() (from, to, digest string) {
	for _, one := range e.images {
		for _, other := range e.images {
			for _, blob := range one.blobs {
				same := func(b v1.Descriptor) bool { return b.Digest == blob.Digest }
				if one.Repository != other.Repository && slices.ContainsFunc(other.blobs, same) {
					return one.Repository, other.Repository, blob.Digest.String()
				}
			}
		}
	}
	return "", "", ""
}

// verdict is what becomes of a body that was announced.
type verdict int

const (
	unsaid verdict = iota
	welcome
	tooLarge
)

// announce says how large a body is going to be, and hears whether it is welcome. Nothing of it is
// sent.
func (s *session) announce(ctx context.Context, size int64) verdict {
	var goAhead, wanted atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got100Continue: func() { goAhead.Store(true) }})
	request := s.request(http.MethodPatch)
	request.Header = http.Header{"Content-Type": {"application/octet-stream"}}
	request.Size, request.Body = size, func() (io.Reader, error) { return &withheld{&wanted}, nil }
	resp, err := s.examination.Client.Transport().Try(ctx, request)
	if err == nil { // without a byte of what was announced
		resp.Drain()
		return unsaid
	}
	var status *transport.StatusError
	switch {
	case errors.As(err, &status) && status.Code == http.StatusRequestEntityTooLarge:
		return tooLarge
	case wanted.Load() && goAhead.Load():
		return welcome
	}
	return unsaid
}

// withheld is a body of which nobody gets a byte.
type withheld struct{ wanted *atomic.Bool }

var errWithheld = errors.New("nothing of it is sent")

func (w *withheld) Read([]byte) (int, error) {
	w.wanted.Store(true)
	return 0, errWithheld
}

func reader(content []byte) func() (io.Reader, error) {
	return func() (io.Reader, error) { return bytes.NewReader(content), nil }
}
