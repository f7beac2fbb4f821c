package main

import (
	"context"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/terminal"
)

// interrupted is a program for the scripts: interrupted FILE COMMAND ARG... runs a command,
// sends it SIGINT, as Ctrl-C does, once a file is there, and ends as it did.
func interrupted() {
	cmd := exec.Command(os.Args[2], os.Args[3:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	os.Exit(signalled(cmd, os.Args[1], func() { _ = cmd.Process.Signal(os.Interrupt) }))
}

// stopped is a program for the scripts: stopped HOW FILE COMMAND ARG... interrupts a command as what
// runs it may: "together" sends one signal many times in a moment, as timeout does twice; "again"
// sends another every second, as somebody does who does not want to wait.
func stopped() {
	how, cmd := os.Args[1], exec.Command(os.Args[3], os.Args[4:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	os.Exit(signalled(cmd, os.Args[2], func() {
		pause, until := time.Millisecond, time.Now().Add(50*time.Millisecond)
		if how == "again" {
			pause, until = time.Second, time.Now().Add(time.Minute)
		}
		for time.Now().Before(until) && cmd.Process.Signal(os.Interrupt) == nil {
			time.Sleep(pause)
		}
	}))
}

// stuck is a program for the scripts: stuck FILE writes a file, and then hears no signal to stop.
func stuck() {
	_, stop := interruptible(context.Background(), newApp(terminal.System(os.Getenv)))
	defer stop()
	if err := os.WriteFile(os.Args[1], nil, 0o600); err != nil {
		log.Fatal(err)
	}
	time.Sleep(10 * time.Minute)
}

// hungUp is a program for the scripts: hungup HOW FILE COMMAND ARG... is interrupted with what a
// terminal does that is closed: it sends SIGHUP, again and again. HOW is "seen", or "alone", where
// nobody reads any more what the command says, or "nohup", where it is not to care.
func hungUp() {
	how, cmd := os.Args[1], exec.Command(os.Args[3], os.Args[4:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	reader, writer, err := os.Pipe()
	if err != nil {
		log.Fatal(err)
	}
	switch how {
	case "alone":
		cmd.Stdout, cmd.Stderr = writer, writer
	case "nohup":
		signal.Ignore(syscall.SIGHUP)
	}
	if how != "nohup" { // so that the command hears the signal, though these tests may run under nohup
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
	os.Exit(signalled(cmd, os.Args[2], func() {
		_ = reader.Close()
		for cmd.Process.Signal(syscall.SIGHUP) == nil {
			time.Sleep(time.Millisecond)
		}
	}))
}

// signalled runs a command to its end, and does something once a file is there. It returns the exit code.
func signalled(cmd *exec.Cmd, file string, do func()) int {
	if err := cmd.Start(); err != nil {
		log.Fatal(err)
	}
	go func() {
		for {
			if _, err := os.Stat(file); err == nil {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		do()
	}()
	_ = cmd.Wait()
	return cmd.ProcessState.ExitCode()
}
