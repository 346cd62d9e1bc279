// Package promises sees that the tests which pages name are there.
package promises
