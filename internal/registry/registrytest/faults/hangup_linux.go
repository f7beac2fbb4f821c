package faults

import (
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// waitForHangup returns when either side has closed the connection. It reads nothing, for
// that would look like progress to one who sends.
func waitForHangup(tcp *net.TCPConn) {
	const step = 5 * time.Millisecond
	raw, err := tcp.SyscallConn()
	for gone := false; err == nil && !gone; time.Sleep(step) {
		err = raw.Control(func(fd uintptr) {
			events := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
			n, err := unix.Poll(events, 0)
			gone = n > 0 && err == nil
		})
	}
}
