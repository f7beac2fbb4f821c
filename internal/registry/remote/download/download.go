// Package download reads a blob of a registry through as many answers as it takes: what breaks off
// or stalls goes on from the last byte.
package download

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport"
)

// Download reads one blob through as many responses as it takes. It is for one goroutine.
type Download struct {
	ctx     context.Context
	client  *transport.Client
	request transport.Request
	at      int64               // of the next byte
	end     int64               // where to stop
	size    int64               // of the whole blob
	zipped  bool                // the blob is a gzip file
	answer  *transport.Response // nil between two responses
	retry   *transport.Retry
	whole   bool // ask for the whole blob: ranges come back wrong
	odd     bool // an answer of another size has come before
	skipped bool // what was not asked for has been read and thrown away
	closed  bool
}

// Of is a download of a blob from one byte to before another, by a request without ranges. Nothing is
// sent yet.
func Of(ctx context.Context, client *transport.Client, request transport.Request, blob v1.Descriptor, from, to int64) *Download {
	return &Download{
		ctx: ctx, client: client, request: request, at: from, end: to, size: blob.Size,
		zipped: strings.HasSuffix(string(blob.MediaType), "gzip"), retry: client.NewRetry(request.Op + " " + request.Ref),
	}
}

// End is where it stops: at the end of the blob where no ranges are served, whatever was asked for.
func (d *Download) End() int64 { return d.end }

// Skipped tells that what was not asked for has been read and thrown away.
func (d *Download) Skipped() bool { return d.skipped }

// Read implements io.Reader.
func (d *Download) Read(p []byte) (int, error) {
	for {
		if d.closed {
			return 0, fs.ErrClosed
		}
		if d.at == d.end {
			return 0, io.EOF
		}
		if err := d.ready(); err != nil {
			return 0, err
		}
		n, err := d.answer.Body.Read(p[:min(int64(len(p)), d.end-d.at)])
		d.at += int64(n)
		if d.at == d.end {
			d.Rest() // whoever sends this on may take its time to close it
			d.retry.Done()
		}
		if n > 0 {
			d.retry.Moved(int64(n))
			return n, nil // an error, if there is one, comes again or has become void
		}
		if err == nil {
			continue
		}
		if err := d.broken(err); err != nil {
			return 0, err
		}
	}
}

// ready makes sure that there is a response to read from, and a place at the gate.
func (d *Download) ready() error {
	if d.answer == nil {
		return d.Open()
	}
	return d.answer.Resume(d.ctx)
}

// Rest gives the place at the gate back until the next Read: whoever waits for something
// else meanwhile must not keep others from reading.
func (d *Download) Rest() {
	if d.answer != nil {
		d.answer.Rest()
	}
}

// broken gets ready to go on after a response that ended too early.
func (d *Download) broken(err error) error {
	d.closeBody()
	if errors.Is(err, io.EOF) {
		err = &transport.NetError{Err: io.ErrUnexpectedEOF}
	}
	err = fmt.Errorf("after %d of %d bytes: %w", d.at, d.size, err)
	if !transport.Retryable(err) {
		return d.client.Failure(d.request, err)
	}
	if err := d.retry.Wait(d.ctx, err); err != nil {
		return d.client.Failure(d.request, err)
	}
	return nil
}

// Open asks for what is left of the blob; Read does so by itself.
func (d *Download) Open() error {
	for {
		resp, err := d.client.Do(d.retry.Within(d.ctx), d.next())
		var status *transport.StatusError
		if errors.As(err, &status) && status.Code == http.StatusRequestedRangeNotSatisfiable && !d.whole {
			d.whole = true
			continue
		}
		if err != nil {
			return err
		}
		d.answer = resp
		err = d.align(resp)
		if err == nil {
			return nil
		}
		if err := d.broken(err); err != nil {
			return err
		}
	}
}

// next is the request for what is left.
func (d *Download) next() transport.Request {
	request := d.request
	request.Accept = []int{http.StatusOK}
	if !d.whole && (d.at > 0 || d.end < d.size) {
		request.Accept = append(request.Accept, http.StatusPartialContent)
		request.Header = http.Header{"Range": {d.wanted()}}
	}
	return request
}

// wanted is the value of the Range header.
func (d *Download) wanted() string {
	if d.end < d.size {
		return fmt.Sprintf("bytes=%d-%d", d.at, d.end-1)
	}
	return fmt.Sprintf("bytes=%d-", d.at)
}

// align makes sure that the response begins where the download stands.
func (d *Download) align(resp *transport.Response) error {
	if resp.StatusCode == http.StatusPartialContent {
		if start, ok := rangeStart(resp.Header.Get("Content-Range")); !ok || start != d.at {
			d.whole = true
			return &transport.NetError{Err: fmt.Errorf("asked for bytes from %d, got Content-Range %q", d.at, d.client.Printable(resp.Header.Get("Content-Range")))}
		}
		return d.plainPart(resp)
	}
	if err := d.plainWhole(resp); err != nil {
		return err
	}
	if resp.ContentLength >= 0 && resp.ContentLength != d.size {
		return d.otherSize(resp.ContentLength)
	}
	if d.at == 0 {
		d.end = d.size // no ranges: this answer is the whole
		return nil
	}
	d.skipped = true
	d.client.Notice("serves no ranges: reading %s again from its start", d.request.Ref)
	if _, err := io.CopyN(io.Discard, resp.Body, d.at); err != nil {
		if errors.Is(err, io.EOF) {
			err = &transport.NetError{Err: io.ErrUnexpectedEOF}
		}
		return err
	}
	return nil
}

// plainPart makes sure that a part is one of the blob itself: a part of what it was compressed
// to on the way is of no use. Some call a blob that is compressed anyway encoded, and send it as
// it is.
func (d *Download) plainPart(resp *transport.Response) error {
	if !resp.Encoded() || WholeSize(resp.Header.Get("Content-Range")) == d.size {
		return nil
	}
	d.whole = true
	return &transport.NetError{Err: errors.New("got a part of the blob in another encoding")}
}

// plainWhole takes an encoding off that was not asked for.
func (d *Download) plainWhole(resp *transport.Response) error {
	if !resp.Encoded() || resp.ContentLength == d.size {
		return nil
	}
	return resp.Decode(d.zipped && resp.ContentLength < 0)
}

// otherSize is an answer that cannot be the blob. Proxies that cut answers short do that
// once; a manifest that does not fit its blobs does it again.
func (d *Download) otherSize(size int64) error {
	err := fmt.Errorf("the blob has %d bytes, its manifest says %d", size, d.size)
	if d.odd {
		return err
	}
	d.odd = true
	return &transport.NetError{Err: err}
}

// rangeStart reads "bytes 5-9/10".
func rangeStart(contentRange string) (int64, bool) {
	rest, ok := strings.CutPrefix(contentRange, "bytes ")
	if !ok {
		return 0, false
	}
	first, _, ok := strings.Cut(rest, "-")
	start, err := strconv.ParseInt(first, 10, 64)
	return start, ok && err == nil
}

// WholeSize reads the size of the whole in "bytes 0-0/10"; -1 where it is not said.
func WholeSize(contentRange string) int64 {
	_, whole, _ := strings.Cut(contentRange, "/")
	size, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return -1
	}
	return size
}

func (d *Download) closeBody() {
	if d.answer != nil {
		_ = d.answer.Body.Close()
		d.answer = nil
	}
}

// Close ends the download, whatever has been read of it.
func (d *Download) Close() error {
	d.closeBody()
	d.closed = true
	return nil
}
