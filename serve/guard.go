package serve

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// newToken is a secret nobody can guess.
func newToken() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return hex.EncodeToString(b[:])
}

// loopback reports whether an address can be reached from this machine only.
func loopback(host string) bool {
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// hostOf is a Host header without its port.
func hostOf(s string) string {
	if h, _, err := net.SplitHostPort(s); err == nil {
		return h
	}
	return s
}

// guarded refuses who must not ask, and keeps count of who does.
func (s *Server) guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		rec := &recorder{ResponseWriter: w}
		defer func() {
			if p := recover(); p != nil {
				s.cfg.Log.Error("panic", "path", r.URL.Path, "panic", p)
				if rec.status == 0 {
					writeError(rec, fail(http.StatusInternalServerError, "the model could not answer"))
				}
			}
			s.measure(r, rec, time.Since(began))
		}()
		h := rec.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; frame-ancestors 'self' http://127.0.0.1:* http://localhost:*")
		if err := s.admit(rec, r); err != nil {
			writeError(rec, err)
			return
		}
		if r.Method == http.MethodOptions {
			rec.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(rec, r)
	})
}

// admit is the error of a request that must not be answered.
func (s *Server) admit(w http.ResponseWriter, r *http.Request) error {
	if s.cfg.Elsewhere != "" && s.brings(w, r, s.cfg.Elsewhere) {
		return nil
	}
	host := hostOf(r.Host)
	// A page of somebody else's whose name was made to lead here (DNS rebinding) has that name as Host.
	if s.local && !loopback(host) && !slices.Contains(s.cfg.Hosts, host) {
		return fail(http.StatusForbidden, "this server is not known by that name")
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		u, err := url.Parse(origin)
		own := err == nil && u.Host == r.Host
		switch {
		case slices.Contains(s.cfg.Origins, origin) || slices.Contains(s.cfg.Origins, "*"):
			w.Header().Set("Access-Control-Allow-Origin", origin)
			w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type, X-Requested-With")
			w.Header().Set("Access-Control-Allow-Methods", "GET, POST")
			w.Header().Add("Vary", "Origin")
		case !own:
			return fail(http.StatusForbidden, "pages of other sites may not ask here")
		}
	}
	if r.URL.Path == "/healthz" || s.token == "" || r.Method == http.MethodOptions {
		return nil
	}
	return s.checkToken(w, r)
}

// checkToken lets in who knows the token.
func (s *Server) checkToken(w http.ResponseWriter, r *http.Request) error {
	if !s.brings(w, r, s.token) {
		w.Header().Set("WWW-Authenticate", "Bearer")
		return fail(http.StatusUnauthorized, "the token is missing or wrong (try Authorization: Bearer TOKEN, or ?token=TOKEN)")
	}
	return nil
}

// cookieOf is the cookie that keeps a token: one a token, since cookies do not tell ports apart.
func cookieOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return "fastnb_serve_" + hex.EncodeToString(sum[:6])
}

// brings reports whether a request brings a token; a browser that brought it once in its address keeps it.
func (s *Server) brings(w http.ResponseWriter, r *http.Request, token string) bool {
	got := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	query := r.URL.Query().Get("token")
	if got == "" {
		got = query
	}
	if c, err := r.Cookie(cookieOf(token)); got == "" && err == nil {
		got = c.Value
	}
	if subtle.ConstantTimeCompare([]byte(got), []byte(token)) != 1 {
		return false
	}
	if query != "" {
		http.SetCookie(w, &http.Cookie{Name: cookieOf(token), Value: token, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	}
	return true
}

// recorder keeps the status of an answer.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

// WriteHeader keeps the status.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write counts the bytes.
func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(b)
	r.bytes += int64(n)
	return n, err
}

// Unwrap is for http.ResponseController.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
