package main

import (
	"net"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// freePort is the script command: freeport NAME [HOST]. It puts an address at which nothing
// listens into the environment, 127.0.0.1 and a port where no host is named.
func freePort(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 && len(args) != 2 {
		ts.Fatalf("usage: freeport NAME [HOST]")
	}
	host := append(args, "127.0.0.1")[1]
	listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	ts.Check(err)
	ts.Setenv(args[0], listener.Addr().String())
	ts.Check(listener.Close())
}

// listening is the script command: listening ADDRESS. It waits until something listens there.
func listening(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: listening ADDRESS")
	}
	for range 2400 { // two minutes
		if conn, err := net.Dial("tcp", args[0]); err == nil {
			conn.Close()
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	ts.Fatalf("nothing listens at %s", args[0])
}
