package transport

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// encodingOf is how a body is sent where that is not as it is; in lower case, else empty.
func encodingOf(resp *http.Response) string {
	encoding := strings.ToLower(strings.TrimSpace(resp.Header.Get("Content-Encoding")))
	if encoding == "identity" {
		return ""
	}
	return encoding
}

// Decode takes the encoding off a body that was compressed on the way although that was not
// asked for. It fails for encodings that nobody may use unasked. A body that is called encoded
// and is not stays as it is; zipped says that the content itself is a gzip file, so that one
// that is compressed once is just that. It reads the first bytes of the body.
func (r *Response) Decode(zipped bool) error { return decode(r.Response, zipped) }

// decode replaces the body of a response by its decoded form; closing that closes both.
func decode(resp *http.Response, zipped bool) error {
	encoding := encodingOf(resp)
	switch encoding {
	case "":
		return nil
	case "gzip", "x-gzip":
	case "deflate":
		return inflate(resp)
	default:
		return fmt.Errorf("the answer is encoded as %.20q, which was not asked for", encoding)
	}
	raw := bufio.NewReader(resp.Body)
	head, _ := raw.Peek(raw.Size()) // a body may be shorter; if it breaks off the reader says so again
	resp.Body = decodedBody{raw, resp.Body}
	if !isGzip(bytes.NewReader(head)) || zipped && !holdsGzip(head) {
		return nil
	}
	decoded, err := gzip.NewReader(raw)
	if err != nil {
		return fmt.Errorf("decoding the answer: %w", err)
	}
	resp.Body = decodedBody{decoded, resp.Body}
	resp.ContentLength = -1
	return nil
}

// inflate takes deflate off: the format of zlib, and of many servers what that wraps.
func inflate(resp *http.Response) error {
	raw := bufio.NewReader(resp.Body)
	head, _ := raw.Peek(2)
	if len(head) < 2 || head[0]&0xf != 8 || (int(head[0])<<8|int(head[1]))%31 != 0 {
		resp.Body, resp.ContentLength = decodedBody{flate.NewReader(raw), resp.Body}, -1
		return nil
	}
	decoded, err := zlib.NewReader(raw)
	if err != nil {
		return fmt.Errorf("decoding the answer: %w", err)
	}
	resp.Body, resp.ContentLength = decodedBody{decoded, resp.Body}, -1
	return nil
}

// isGzip tells whether content begins as a gzip file does.
func isGzip(content io.Reader) bool {
	head := make([]byte, 2)
	n, _ := io.ReadFull(content, head)
	return n == 2 && head[0] == 0x1f && head[1] == 0x8b
}

// holdsGzip tells whether a gzip file that begins so holds another.
func holdsGzip(head []byte) bool {
	inner, err := gzip.NewReader(bytes.NewReader(head))
	return err == nil && isGzip(inner)
}

type decodedBody struct {
	io.Reader
	io.Closer
}
