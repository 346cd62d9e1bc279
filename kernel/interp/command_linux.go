package interp

import "syscall"

// diesWithUs has a command end when the kernel is killed. (It is bound to the thread that starts the
// command; cells run on one that lives as long as the session.)
func diesWithUs(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGKILL }
