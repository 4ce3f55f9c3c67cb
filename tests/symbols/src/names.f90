! SPDX-License-Identifier: BSD-3-Clause
!
! Fortran: a procedure of a module, one inside of another, and the program, which is not called main.
module shapes
  implicit none
contains
  integer function area(n)
    integer, intent(in) :: n
    integer :: i
    area = 0
    do i = 1, n
      area = area + square(i)
    end do
  contains
    integer function square(k)
      integer, intent(in) :: k
      square = k * k + n
    end function
  end function
end module

program names
  use shapes
  implicit none
  print *, area(command_argument_count() + 3)
end program
