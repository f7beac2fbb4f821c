//go:build !linux

package faults

import (
	"net"
	"time"
)

// waitForHangup stays for as long as a test may take: only Linux tells us of a hangup
// behind bytes that nobody reads.
func waitForHangup(*net.TCPConn) { time.Sleep(time.Minute) }
