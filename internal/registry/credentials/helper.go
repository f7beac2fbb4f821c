package credentials

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/docker/cli/cli/config/types"
	"github.com/docker/docker-credential-helpers/client"
	"github.com/docker/docker-credential-helpers/credentials"
)

// helperProgram is a program that keeps logins, "docker-credential-pass". Docker's own code for it reads all that a
// program prints, however much that is.
type helperProgram string

// helperNamed is the helper of a config file's short name for it, "pass".
func helperNamed(short string) helperProgram { return helperProgram("docker-credential-" + short) }

// get asks for the login of a server; the zero value is none.
func (h helperProgram) get(server string) (types.AuthConfig, error) {
	found, err := client.Get(h.program, server)
	switch {
	case credentials.IsErrCredentialsNotFound(err):
		return types.AuthConfig{}, nil
	case err != nil:
		return types.AuthConfig{}, unreadable(err)
	}
	return Login{Username: found.Username, Password: found.Secret}.entry(server), nil
}

// unreadable says what is wrong with an answer in which no login can be read; other errors stay as they are.
func unreadable(err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.EOF):
		return errors.New("it printed nothing, and said nothing of an error")
	case errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &syntax), errors.As(err, &kind):
		return errors.New("what it printed is no login")
	}
	return err
}

// store hands a login over.
func (h helperProgram) store(server string, login Login) error {
	return client.Store(h.program, &credentials.Credentials{ServerURL: server, Username: login.Username, Secret: login.Password})
}

// erase has the login of a server forgotten.
func (h helperProgram) erase(server string) error { return client.Erase(h.program, server) }

// program is one call of the helper. Whoever wants to wait for it no longer leaves it alone: see keychain.begin.
func (h helperProgram) program(args ...string) client.Program {
	cmd := exec.Command(string(h), args...) //nolint:noctx // see above
	cmd.Stderr = os.Stderr
	cmd.WaitDelay = lettingGo
	return call{cmd}
}

// lettingGo is how long what a helper has started may hold on to its output once it has ended itself: an
// agent that it leaves behind may do so for ever, and nothing is to come any more.
const lettingGo = 2 * time.Second

// call is a client.Program of which little is read.
type call struct{ cmd *exec.Cmd }

// Input is what the program reads.
func (c call) Input(in io.Reader) { c.cmd.Stdin = in }

// Output runs the program and returns what it prints. One that prints too much is cut off from its output, which
// ends it unless it does not care.
func (c call) Output() ([]byte, error) {
	var out answerText
	c.cmd.Stdout = &out
	err := c.cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil
	}
	if out.over {
		return nil, fmt.Errorf("it printed more than %d bytes", mostAnswer)
	}
	return out.text, err
}

// mostAnswer is more than any login takes, in bytes.
const mostAnswer = 1 << 20

// answerText is what a helper prints, up to a bound.
type answerText struct {
	text []byte
	over bool
}

// Write takes what fits, and fails with what does not.
func (a *answerText) Write(p []byte) (int, error) {
	if len(a.text)+len(p) > mostAnswer {
		a.over = true
		return 0, io.ErrShortWrite
	}
	a.text = append(a.text, p...)
	return len(p), nil
}
