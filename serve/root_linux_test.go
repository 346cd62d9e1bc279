package serve

import (
	"os/exec"
	"syscall"
)

// inRoot runs a command in a root of its own, as the user that images here have.
func inRoot(cmd *exec.Cmd, root string) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: 65532, Gid: 65532}}
}
