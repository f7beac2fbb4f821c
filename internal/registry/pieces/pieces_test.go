package pieces

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSize(t *testing.T) {
	for _, tt := range []struct{ blob, want int64 }{{From, least}, {most * least, least}, {2 * most * least, 2 * least}} {
		if got := Size(tt.blob); got != tt.want {
			t.Errorf("Size(%d) = %d, want %d", tt.blob, got, tt.want)
		}
	}
}

func TestRest(t *testing.T) {
	want := []Piece{{4, 8, 4}, {8, 12, 8}, {12, 13, 12}}
	if diff := cmp.Diff(want, Rest(4, 13, 4)); diff != "" {
		t.Errorf("Rest(4, 13, 4) (-want +got):\n%s", diff)
	}
	if got := Rest(13, 13, 4); got != nil {
		t.Errorf("Rest(13, 13, 4) = %v, want none", got)
	}
}

func TestReceive(t *testing.T) {
	failure := errors.New("the disk is full")
	for _, tt := range []struct {
		name    string
		content string
		keeps   error
		want    string
		err     error
	}{
		{"to its end, and not on", "abcdefgh", nil, "abcde", nil},
		{"an end that comes early", "abc", nil, "abc", io.ErrUnexpectedEOF},
		{"nowhere to keep it", "abcdefgh", failure, "", failure},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, kept, arrived := New(10, 15), bytes.Buffer{}, 0
			err := p.Receive(bytes.NewReader([]byte(tt.content)), make([]byte, 2), func(n int) { arrived += n }, func(b []byte) error {
				if tt.keeps != nil {
					return tt.keeps
				}
				kept.Write(b)
				p.Got += int64(len(b))
				return nil
			})
			if !errors.Is(err, tt.err) || kept.String() != tt.want {
				t.Errorf("Receive() = %v, kept %q, want %v, %q", err, kept.String(), tt.err, tt.want)
			}
			if tt.keeps == nil && arrived != kept.Len() {
				t.Errorf("Receive() told of %d bytes, and kept %d", arrived, kept.Len())
			}
		})
	}
}
