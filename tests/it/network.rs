//! The line between the program and its servers: cut, slow, silent, and servers that do not tell the truth. Whatever happens to
//! one mailbox, nothing is lost, nothing is double, the others are read, and the admin is told what is wrong.

mod cuts;
mod lies;
mod rig;
mod silence;
