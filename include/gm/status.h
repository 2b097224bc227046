/* gm/status.h - status codes, export macro, version, named constants.
 *
 * Every action returns a gm_status: GM_OK (0) on success, GM_END (1) when a
 * sequence is over, anything else is an error whose one-line message is kept
 * by the object that failed (gm_ctx_message, gm_tape_message).
 */
#ifndef GM_STATUS_H
#define GM_STATUS_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define GM_API __attribute__((visibility("default")))
#else
#define GM_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** Result of an action; one of the GM_* codes below. */
typedef int32_t gm_status;

/* code, value, text. Values are never renumbered. */
#define GM_STATUS_LIST(X)                                                      \
    X(OK, 0, "success")                                                        \
    X(END, 1, "end of the sequence")                                           \
    X(EARG, 2, "invalid argument or option")                                   \
    X(ESHAPE, 3, "shapes do not fit")                                          \
    X(EDTYPE, 4, "element type not accepted")                                  \
    X(ENOMEM, 5, "out of memory or over the memory cap")                       \
    X(EIO, 6, "input/output failed")                                           \
    X(EFORMAT, 7, "malformed or damaged input")                                \
    X(ENOTFOUND, 8, "no such name")                                            \
    X(ESTATE, 9, "not possible in the present state")                          \
    X(ESTALE, 10, "handle outlived its tape generation")                       \
    X(EBUSY, 11, "object is in use by another thread")                         \
    X(ECANCELED, 12, "canceled by the host")                                   \
    X(ENONFINITE, 13, "a value became infinite or not a number")               \
    X(EUNSUPPORTED, 14, "not supported by this object")                        \
    X(ELIMIT, 15, "over a documented limit")                                   \
    X(EINTERNAL, 16, "internal error in libgm")

enum {
#define GM_STATUS_ENUM(name, value, text) GM_##name = value,
    GM_STATUS_LIST(GM_STATUS_ENUM)
#undef GM_STATUS_ENUM
    GM_STATUS_END_ = 17
};

#define GM_VERSION_MAJOR 0
#define GM_VERSION_MINOR 1
#define GM_VERSION_PATCH 0

/**
 * Name of a status code, e.g. "GM_EARG".
 * @param s   any value
 * @return    static text, borrowed; "GM_UNKNOWN" for a value that is no code
 * @errors    none
 * @threads   any
 * @since     0.1
 */
GM_API const char *gm_status_name(gm_status s);

/**
 * What a status code means, e.g. "invalid argument or option".
 * @param s   any value
 * @return    static text, borrowed
 * @errors    none
 * @threads   any
 * @since     0.1
 */
GM_API const char *gm_status_text(gm_status s);

/**
 * Version of the library that is linked, "MAJOR.MINOR.PATCH".
 * @return    static text, borrowed
 * @errors    none
 * @threads   any
 * @since     0.1
 */
GM_API const char *gm_version_string(void);

/**
 * Value of a public constant by its name, for bindings that see no macros:
 * gm_constant("GM_F32", &v).
 * @param name   e.g. "GM_EARG", "GM_F32", "GM_MEAN", "GM_ALL_AXES"
 * @param out    receives the value; 0 on failure
 * @errors    GM_EARG if an argument is NULL; GM_ENOTFOUND
 * @threads   any
 * @since     0.1
 */
GM_API gm_status gm_constant(const char *name, int64_t *out);

#ifdef __cplusplus
}
#endif
#endif
