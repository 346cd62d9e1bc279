// Package killtest kills processes that write, at random moments, and looks what is there then.
package killtest
