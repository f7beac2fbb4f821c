package pictures

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/sys/unix"
)

// full is how much the kernel hands on at least where it had to cut what the program sent.
const full = 4000

// inTerminal runs a program in a terminal of 80 columns, and hands on each portion that it sends, as
// it comes. The program's own error is none of inTerminal's.
func inTerminal(cmd *exec.Cmd, see func(portion string) error) error {
	ours, theirs, err := open()
	if err != nil {
		return err
	}
	defer ours.Close()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs, theirs, theirs
	err = cmd.Start()
	theirs.Close()
	if err != nil {
		return err
	}
	buffer, rest := make([]byte, 64<<10), ""
	for err == nil {
		var n int
		n, err = ours.Read(buffer)
		portion := rest + string(buffer[:n])
		rest = ""
		if cut := strings.LastIndexByte(portion, '\n'); err == nil && n >= full && cut >= 0 {
			portion, rest = portion[:cut+1], portion[cut+1:]
		}
		if portion != "" {
			err = errors.Join(err, see(portion))
		}
	}
	var exited *exec.ExitError
	if ended := cmd.Wait(); ended != nil && !errors.As(ended, &exited) {
		return ended
	}
	if errors.Is(err, io.EOF) || errors.Is(err, unix.EIO) { // the terminal's end
		return nil
	}
	return err
}

// open makes a terminal.
func open() (ours, theirs *os.File, err error) {
	ours, err = os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			ours.Close()
		}
	}()
	number, err := unix.IoctlGetInt(int(ours.Fd()), unix.TIOCGPTN)
	if err != nil {
		return nil, nil, err
	}
	if err := unix.IoctlSetPointerInt(int(ours.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		return nil, nil, err
	}
	theirs, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	return ours, theirs, unix.IoctlSetWinsize(int(theirs.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 50, Col: columns})
}
