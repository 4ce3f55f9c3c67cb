// SPDX-License-Identifier: BSD-3-Clause
//
// Rust: generics, traits, closures, what is inlined.
fn black_box(x: u64) -> u64 {
    unsafe { std::ptr::read_volatile(&x) }
}

mod shapes {
    pub trait Area {
        fn area(&self) -> u64;
    }
    pub struct Square<T>(pub T);
    impl Area for Square<u32> {
        #[inline(never)]
        fn area(&self) -> u64 {
            super::black_box(u64::from(self.0) * u64::from(self.0))
        }
    }
    #[inline(always)]
    pub fn small(x: u64) -> u64 {
        super::black_box(x) + 1
    }
    #[inline(never)]
    pub fn generic<T: Copy + Into<u64>>(x: T) -> u64 {
        small(x.into()) * small(3)
    }
}

#[inline(never)]
fn apply<F: Fn(u64) -> u64>(f: F) -> u64 {
    black_box(f(black_box(4)))
}

fn main() {
    use shapes::Area;
    let n = std::env::args().count() as u64;
    let total = shapes::Square(n as u32).area() + shapes::generic(7u8) + shapes::generic(n) + apply(|x| x * n);
    std::process::exit((total & 1) as i32);
}
