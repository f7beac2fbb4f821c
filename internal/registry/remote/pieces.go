package remote

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/heed"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport"
)

// A blob from piecesFrom bytes on goes in pieces of pieceSize where its upload is noted in a
// journal: many registries, and proxies before them, keep only those requests that have arrived
// whole. A last piece may be half as long again, which saves a request.
const (
	piecesFrom = 32 << 20
	pieceSize  = 64 << 20
	// pieceGrace is how long the end of a run waits for a piece that it has ended to be confirmed.
	pieceGrace = time.Second
)

func (u *upload) inPieces() bool {
	if u.claim == nil || u.blob.Size < piecesFrom {
		return false
	}
	style := &u.client.uploads
	style.mu.Lock()
	defer style.mu.Unlock()
	return style.chunk == 0 && !style.noPatch && !style.noPieces
}

// nextPiece is how long the next piece may be.
func (u *upload) nextPiece() int64 {
	style := &u.client.uploads
	style.mu.Lock()
	defer style.mu.Unlock()
	size, left := max(pieceSize, style.least), u.blob.Size-u.offset
	if left > size+size/2 {
		return size
	}
	return left
}

// sendPiece sends the next piece, of no declared length, as docker sends blobs: it ends where it
// is full, or at once when the run ends. A registry that would lose a piece that breaks off,
// distribution 2.8 even the whole upload with it, so has all that has been sent.
func (u *upload) sendPiece(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	size := u.nextPiece()
	request := u.bodyRequest(http.MethodPatch, u.at, u.offset, size)
	u.pieced = true
	request.Size = -1
	whole := request.Body
	request.Body = func() (io.Reader, error) {
		content, err := whole()
		if err != nil {
			return nil, err
		}
		return &endingWith{ctx, content}, nil
	}
	request.Accept = []int{http.StatusAccepted, http.StatusCreated, http.StatusNoContent, http.StatusOK}
	going, done := heed.Outlasting(context.WithoutCancel(ctx), ctx, pieceGrace)
	defer done()
	resp, err := u.client.transport.Try(going, request)
	if err != nil {
		return u.blame(err)
	}
	resp.Drain()
	sent := u.handed.Load()
	if err := u.went(resp, u.offset+sent); err != nil {
		return err
	}
	switch {
	case sent == size:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return &sourceErr{io.ErrUnexpectedEOF}
}

// endingWith ends where its content does, and as soon as a context ends.
type endingWith struct {
	ctx     context.Context
	content io.Reader
}

func (e *endingWith) Read(p []byte) (int, error) {
	if e.ctx.Err() != nil {
		return 0, io.EOF
	}
	n, err := e.content.Read(p)
	if err != nil && e.ctx.Err() != nil {
		err = io.EOF
	}
	return n, err
}

// refusesPieces tells that it is the form of a piece that a registry, or a proxy before it, does
// not take.
func refusesPieces(status *transport.StatusError) bool {
	switch status.Code {
	case http.StatusBadRequest, http.StatusLengthRequired, http.StatusUnsupportedMediaType:
		return true
	}
	return unsupportedPatch(status)
}

// unpieced sends blobs whole from now on, as it is done without a journal.
func (u *upload) unpieced() error {
	style := &u.client.uploads
	style.mu.Lock()
	first := !style.noPieces
	style.noPieces = true
	style.mu.Unlock()
	if first {
		u.client.transport.Notice("takes no blobs in pieces: sending them whole")
	}
	u.client.transport.CountRetry()
	u.forget()
	return nil
}
