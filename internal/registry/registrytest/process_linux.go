package registrytest

import (
	"os/exec"
	"syscall"
)

// dieWithParent keeps a server from outliving a test that was killed.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
