package flagset

import (
	"bufio"
	"io"
	"strings"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
)

// LongestSecret is more than any token; what is longer is the wrong file.
const LongestSecret = 64 << 10

// ReadAll reads a password, and refuses what is none.
func ReadAll(r io.Reader) (string, error) {
	data, err := io.ReadAll(io.LimitReader(r, LongestSecret+1))
	if err == nil && len(data) > LongestSecret {
		err = exit.Usagef("standard input is too long for a password")
	}
	return string(data), err
}

// ReadLine reads one line and nothing beyond it, for what follows is the password.
func ReadLine(r io.Reader) (string, error) {
	line, _ := bufio.NewReaderSize(r, 16).ReadString('\n') // an end without a newline ends the line too
	if line = strings.TrimSpace(line); line == "" {
		return "", exit.Usagef("no user name given")
	}
	return line, nil
}
