// Package pieces says when a blob is fetched in pieces, several at once, and what each of them is: registries
// and the object stores behind them often bound the bandwidth of one connection.
package pieces

import (
	"errors"
	"io"
)

const (
	// From is the size from which on a blob is worth it.
	From = 256 << 20
	// AtOnce is how many pieces are fetched side by side.
	AtOnce = 4
	least  = 128 << 20
	most   = 64
)

// Size is that of a piece of a blob of so many bytes.
func Size(blob int64) int64 { return max(least, blob/most) }

// Piece is the bytes from From to To, of which those before Got are there.
type Piece struct{ From, To, Got int64 }

// New is a piece of which nothing is there yet.
func New(from, to int64) Piece { return Piece{From: from, To: to, Got: from} }

// Rest cuts a blob from an offset on into pieces of one size; the last may be smaller.
func Rest(from, blob, size int64) []Piece {
	var all []Piece
	for ; from < blob; from += size {
		all = append(all, New(from, min(from+size, blob)))
	}
	return all
}

// Receive reads a piece's bytes to its end. It tells arrived of each read, and gives the bytes to keep, which
// moves Got on; an end that comes early is io.ErrUnexpectedEOF.
func (p *Piece) Receive(content io.Reader, buffer []byte, arrived func(n int), keep func([]byte) error) error {
	for p.Got < p.To {
		n, err := content.Read(buffer[:min(int64(len(buffer)), p.To-p.Got)])
		arrived(n)
		if keepErr := keep(buffer[:n]); keepErr != nil {
			return keepErr
		}
		if errors.Is(err, io.EOF) && p.Got < p.To {
			err = io.ErrUnexpectedEOF
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
	}
	return nil
}
