package figures

import (
	"bytes"
	"errors"
	"fmt"
	"os"
)

// The measured part of a page stands between these lines.
const (
	pageBegin = "<!-- measured: replaced by make bench -->\n"
	pageEnd   = "<!-- end of the measured part -->\n"
)

// IntoPage puts the tables into a page where one is named.
func (r *Report) IntoPage(file string) error {
	if file == "" {
		return nil
	}
	page, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, ok := bytes.Cut(page, []byte(pageBegin))
	_, after, also := bytes.Cut(rest, []byte(pageEnd))
	if !ok || !also {
		return fmt.Errorf("%s has no measured part", file)
	}
	var out bytes.Buffer
	out.Write(before)
	out.WriteString(pageBegin + "\n")
	command := "make bench"
	if r.Asked.Flags != "" {
		command += " BENCH='" + r.Asked.Flags + "'"
	}
	fmt.Fprintf(&out, "Measured with `%s`.\n\n", command)
	r.printOn(&printer{Writer: &out, pictures: true})
	out.WriteString(pageEnd)
	out.Write(after)
	return errors.Join(r.writePictures(file), os.WriteFile(file, out.Bytes(), 0o600))
}
