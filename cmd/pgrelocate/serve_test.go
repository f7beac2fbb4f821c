package main

import (
	"net"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// freePort is the script command: freeport NAME. It puts an address of the loopback at
// which nothing listens into the environment.
func freePort(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: freeport NAME")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Setenv(args[0], listener.Addr().String())
	ts.Check(listener.Close())
}

// listening is the script command: listening ADDRESS. It waits until something listens there.
func listening(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: listening ADDRESS")
	}
	for range 300 {
		if conn, err := net.Dial("tcp", args[0]); err == nil {
			conn.Close()
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	ts.Fatalf("nothing listens at %s", args[0])
}
