namespace VmSim.Core.State;

/// <summary>An owner of native memory that is written from its beginning on, and mostly not to its end.</summary>
internal interface IWrittenBlocks
{
    /// <summary>The blocks, each with the bytes from its beginning that may be other than 0.</summary>
    IEnumerable<(NativeBlock Block, nuint Bytes)> Written { get; }
}
