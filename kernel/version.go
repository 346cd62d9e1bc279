package kernel

// Version is the program's, as front ends are told. The command sets it.
var Version = "dev"
