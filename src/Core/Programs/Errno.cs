namespace VmSim.Core.Programs;

/// <summary>
/// What a system call answers, by Linux's names and numbers (include/uapi/asm-generic/errno-base.h, errno.h): those that memory-management
/// calls have.
/// </summary>
public enum Errno
{
    /// <summary>It succeeded.</summary>
    None = 0,

    /// <summary>EPERM: the area is sealed, or the program has no right.</summary>
    PermissionDenied = 1,

    /// <summary>EBADF: the memory has no file that the call needs.</summary>
    BadFile = 9,

    /// <summary>EAGAIN: too much memory would be locked, or pages could not be had just now.</summary>
    TryAgain = 11,

    /// <summary>ENOMEM: there is no memory, a limit is reached, or an address of the range is not mapped.</summary>
    NoMemory = 12,

    /// <summary>EACCES: the file allows no such access.</summary>
    NoAccess = 13,

    /// <summary>EFAULT: an address is not mapped.</summary>
    BadAddress = 14,

    /// <summary>EBUSY: the range is locked.</summary>
    Busy = 16,

    /// <summary>EEXIST: something is mapped in the range.</summary>
    AlreadyExists = 17,

    /// <summary>ENODEV: the file cannot be mapped so.</summary>
    NoDevice = 19,

    /// <summary>EINVAL: an argument is not allowed.</summary>
    InvalidArgument = 22,

    /// <summary>EOVERFLOW: an offset is too large.</summary>
    Overflow = 75,

    /// <summary>EOPNOTSUPP: the file does not support it.</summary>
    NotSupported = 95,
}

/// <summary>Names of errors as the kernel prints them.</summary>
public static class Errnos
{
    private static readonly (Errno Errno, string Name)[] Names =
    [
        (Errno.PermissionDenied, "EPERM"),
        (Errno.BadFile, "EBADF"),
        (Errno.TryAgain, "EAGAIN"),
        (Errno.NoMemory, "ENOMEM"),
        (Errno.NoAccess, "EACCES"),
        (Errno.BadAddress, "EFAULT"),
        (Errno.Busy, "EBUSY"),
        (Errno.AlreadyExists, "EEXIST"),
        (Errno.NoDevice, "ENODEV"),
        (Errno.InvalidArgument, "EINVAL"),
        (Errno.Overflow, "EOVERFLOW"),
        (Errno.NotSupported, "EOPNOTSUPP"),
    ];

    /// <summary>The kernel's name, such as ENOMEM; "success" for none.</summary>
    public static string Name(this Errno errno)
    {
        foreach ((Errno each, string name) in Names)
        {
            if (each == errno)
            {
                return name;
            }
        }

        return "success";
    }

    /// <summary>The error with the kernel's name.</summary>
    /// <returns>False if no memory-management call answers so.</returns>
    public static bool TryParse(ReadOnlySpan<char> name, out Errno errno)
    {
        foreach ((Errno each, string known) in Names)
        {
            if (name.SequenceEqual(known))
            {
                errno = each;
                return true;
            }
        }

        errno = Errno.None;
        return false;
    }
}
