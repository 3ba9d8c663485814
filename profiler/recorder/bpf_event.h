/* What the part of the recorder inside the kernel (observer.bpf.c) and the one outside (bpf.cc) share.  C, since both compile it. */
#pragma once

#define RAVELIN_CALLS 512       /* numbers of calls */
#define RAVELIN_TEXT 1024       /* of one text; a longer one counts as not read */
#define RAVELIN_UNREAD (RAVELIN_TEXT + 1) /* a path that is too long, has too many parts or is below no root */
#define RAVELIN_SPARE 256       /* a component that is written over the end */
#define RAVELIN_ADDRESS 128     /* struct sockaddr */

/* What to look at in a call; places are those of arguments, from 1, and 0 for none. */
struct call_spec {
  unsigned char known;
  unsigned char values;     /* a bit for each argument that is kept */
  unsigned char pointers;   /* a bit for each of which is kept whether it is null */
  unsigned char path[2];
  unsigned char folder[2];  /* descriptor that the path begins at; 0: the working directory */
  unsigned char descriptor;
  unsigned char address;
  unsigned char process;
  unsigned char opens;      /* 1 or more: it opens a file; 2, 3: that argument, from 1, has the flags */
};

enum event_kind { EVENT_CALL = 1, EVENT_EXEC = 2 };
enum event_flag {
  FLAG_CREATED = 1,   /* an opening made the file */
  FLAG_SOCKET = 2,    /* the descriptor is one */
  FLAG_FILE = 4,      /* the descriptor is a file: what[1] */
  FLAG_UNREAD0 = 8,   /* a text could not be read, or is too long */
  FLAG_UNREAD1 = 16,
  FLAG_UNREAD_ADDRESS = 32,
  FLAG_OURS = 64,     /* the process argument is one of the workload */
};

struct fact_key {
  unsigned long long hash;
  unsigned int image;
  unsigned int number;
  int error;
  unsigned int zero;
};

struct sighting {
  unsigned long long count;
  unsigned long long last;   /* CLOCK_MONOTONIC, nanoseconds */
};

struct fact_event {
  unsigned int kind;
  unsigned int image;    /* one program in memory, from an exec to the next; of EVENT_EXEC the new one */
  unsigned int former;   /* of EVENT_EXEC */
  int group;             /* the process */
  unsigned int number;
  int error;
  unsigned int flags;
  unsigned long long args[6];
  struct fact_key key;            /* its hash grows while the call is looked at */
  unsigned long long mount[2];    /* where `what` is, as addresses in the kernel; name 0: nothing */
  unsigned long long name[2];
  int family, type, protocol;     /* of the socket */
  unsigned int address_length;
  unsigned char address[RAVELIN_ADDRESS] __attribute__((aligned(8)));
  unsigned int given_length[2];   /* of the texts, without the zero that ends them; 0: none */
  unsigned int what_begin[2];     /* where in `what` the path begins; RAVELIN_TEXT: none; or RAVELIN_UNREAD */
  /* The names as given; and the folder that each begins at, what was opened (0), what the descriptor is (1), the executed file (0). */
  char given[2][RAVELIN_TEXT] __attribute__((aligned(8)));
  char what[2][RAVELIN_TEXT + RAVELIN_SPARE];
};

enum counter {
  COUNT_RING,
  COUNT_TABLE,
  COUNT_COMPAT,
  COUNT_PROGRAM, /* executed, and its path not read */
  COUNT_TREE,    /* processes that there was no room for */
  COUNT_SIZE
};
