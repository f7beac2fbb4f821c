package server

import (
	"context"
	"errors"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// seeker is a blob as http.ServeContent wants it. It is opened where reading begins.
type seeker struct {
	ctx        context.Context
	content    Content
	repository string
	blob       v1.Descriptor
	offset     int64
	open       registry.Content
}

func (s *seeker) Read(p []byte) (int, error) {
	if s.offset >= s.blob.Size {
		return 0, io.EOF
	}
	if s.open.ReadCloser == nil {
		var err error
		if s.open, err = s.content.Blob(s.ctx, s.repository, s.blob, s.offset, s.blob.Size); err != nil {
			return 0, err
		}
	}
	n, err := s.open.Read(p)
	s.offset += int64(n)
	return n, err
}

func (s *seeker) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += s.offset
	case io.SeekEnd:
		offset += s.blob.Size
	}
	if offset < 0 {
		return 0, errors.New("seeking before the beginning")
	}
	if offset != s.offset {
		s.Close()
		s.offset = offset
	}
	return offset, nil
}

// Close closes what is open; the seeker can be read again after it.
func (s *seeker) Close() {
	if s.open.ReadCloser != nil {
		s.open.Close()
		s.open = registry.Content{}
	}
}
