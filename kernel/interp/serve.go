package interp

import _ "github.com/fastnb/go/serve" // learn.Serve() in cells
