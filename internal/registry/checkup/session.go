package checkup

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/finding"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport"
)

// session is an upload that is open, and is going to be cancelled.
type session struct {
	examination *examination
	repository  string
	at          *url.URL
	least       int64 // how long a chunk has to be
}

// open opens an upload; query may ask for a mount, and the session is nil where that was done. An
// upload whose answer says nothing of where it goes on cannot be cancelled, which is an error.
func (e *examination) open(ctx context.Context, repository, query string) (*session, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	request := transport.Request{
		Op: "opening an upload in", Ref: e.Client.Host() + "/" + repository, Method: http.MethodPost,
		Path: "/v2/" + repository + "/blobs/uploads/" + query, Need: transport.Access{Repository: repository, Push: true},
		Accept: []int{http.StatusAccepted},
	}
	if query != "" {
		request.Accept = append(request.Accept, http.StatusCreated)
		values, _ := url.ParseQuery(query[1:])
		request.Need.From = values.Get("from")
	}
	ctx, cancel := finishing(ctx)
	defer cancel()
	resp, err := e.Client.Transport().Do(ctx, request)
	if err != nil {
		return nil, err
	}
	resp.Drain()
	if resp.StatusCode == http.StatusCreated {
		return nil, nil //nolint:nilnil // nothing is open, and nothing failed
	}
	s := &session{examination: e, repository: repository}
	if s.at, err = e.Client.Transport().Location(resp); err != nil {
		return nil, e.Client.Transport().Failure(request, err)
	}
	s.least, _ = strconv.ParseInt(resp.Header.Get("OCI-Chunk-Min-Length"), 10, 64)
	return s, nil
}

func (s *session) request(method string) transport.Request {
	return transport.Request{
		Op: "writing to an upload in", Ref: s.examination.Client.Host() + "/" + s.repository, Method: method, URL: s.at,
		Need:   transport.Access{Repository: s.repository, Push: true},
		Accept: []int{http.StatusAccepted, http.StatusCreated, http.StatusNoContent, http.StatusOK},
	}
}

// patch sends a chunk.
func (s *session) patch(ctx context.Context, content []byte, offset int64) error {
	request := s.request(http.MethodPatch)
	request.Header = http.Header{
		"Content-Type":  {"application/octet-stream"},
		"Content-Range": {fmt.Sprintf("%d-%d", offset, offset+int64(len(content))-1)},
	}
	request.Size, request.Body = int64(len(content)), reader(content)
	ctx, cancel := finishing(ctx)
	defer cancel()
	resp, err := s.examination.Client.Transport().Try(ctx, request)
	if err != nil {
		return err
	}
	resp.Drain()
	if at, err := s.examination.Client.Transport().Location(resp); err == nil {
		s.at = at
	}
	return nil
}

// farewell is how long what has begun may take, and taking it back, although whoever asked has gone.
const farewell = 10 * time.Second

// finishing is a context for a small write. It outlives whoever interrupts: a write whose answer
// nobody has seen cannot be taken back, for nobody knows where it went.
func finishing(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), farewell)
}

// pauses are what a registry gets to notice that a request was broken off, before its upload is
// cancelled once more.
var pauses = []time.Duration{0, 100 * time.Millisecond, 400 * time.Millisecond, time.Second}

// end cancels the upload, however the probe has ended, and returns the probe's finding; where the
// registry does not cancel uploads, it says so.
func (s *session) end(ctx context.Context, found finding.Finding) finding.Finding {
	ctx, cancel := finishing(ctx)
	defer cancel()
	var err error
	for _, pause := range pauses {
		time.Sleep(pause)
		if err = s.cancel(ctx); err == nil && !s.open(ctx) {
			return found
		}
		var status *transport.StatusError
		if errors.As(err, &status) && status.Code == http.StatusMethodNotAllowed {
			break
		}
	}
	says := "it is still there"
	if err != nil {
		says = essence(err)
	}
	found.Says += fmt.Sprintf("; the upload could not be cancelled (%s), and stays open until the registry forgets it", says)
	if found.Status == finding.OK {
		found.Status, found.Remedy, found.About = finding.Warning, CleanUp, []string{s.repository}
	}
	return found
}

// cancel cancels the upload; one that is not there is cancelled.
func (s *session) cancel(ctx context.Context) error {
	request := s.request(http.MethodDelete)
	request.Op = "cancelling an upload in"
	resp, err := s.examination.Client.Transport().Do(ctx, request)
	var status *transport.StatusError
	switch {
	case err == nil:
		resp.Drain()
		return nil
	case errors.As(err, &status) && status.Code == http.StatusNotFound && !status.Has("BLOB_UPLOAD_INVALID"):
		return nil
	}
	return err
}

// open tells whether the registry still knows the upload. One that does not say is believed to have
// cancelled it.
func (s *session) open(ctx context.Context) bool {
	request := s.request(http.MethodGet)
	request.Op = "asking after an upload in"
	resp, err := s.examination.Client.Transport().Do(ctx, request)
	if err == nil {
		resp.Drain()
	}
	return err == nil
}
