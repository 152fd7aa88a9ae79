using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using VmSim.Core.Traces;

namespace VmSim.Actors.Configuration;

/// <summary>
/// Reads, checks and unpacks blocks of a binary trace on a thread of its own while those before are used. What stands in them, and what is
/// wrong with them, comes in the same order as without it.
/// </summary>
internal sealed class BlocksAhead : IVmtBlocks
{
    /// <summary>Blocks that are ready at most: some 1 MiB.</summary>
    private const int BlocksMax = 4;

    private readonly IVmtBlocks _inner;
    private readonly BlockingCollection<VmtBlock> _free = new(new ConcurrentQueue<VmtBlock>());
    private readonly BlockingCollection<VmtBlock> _ready = new(new ConcurrentQueue<VmtBlock>());
    private readonly CancellationTokenSource _end = new();
    private readonly Thread _reader;
    private ExceptionDispatchInfo? _error;

    /// <summary>Begins to read.</summary>
    /// <param name="inner">The blocks, disposed of with this.</param>
    public BlocksAhead(IVmtBlocks inner)
    {
        _inner = inner;
        for (int i = 0; i < BlocksMax; i++)
        {
            _free.Add(new VmtBlock());
        }

        _reader = new Thread(ReadAll) { IsBackground = true, Name = "trace blocks" };
        _reader.Start();
    }

    /// <inheritdoc/>
    public string File => _inner.File;

    /// <inheritdoc/>
    public bool Read(VmtBlock block)
    {
        if (!_ready.TryTake(out VmtBlock? next, Timeout.Infinite))
        {
            _error?.Throw();
            return false;
        }

        block.Exchange(next);
        _free.Add(next);
        return true;
    }

    /// <summary>Waits until nothing more is read of the stream.</summary>
    public void Dispose()
    {
        _end.Cancel();
        _reader.Join();
        _inner.Dispose();
        _free.Dispose();
        _ready.Dispose();
        _end.Dispose();
    }

    private void ReadAll()
    {
        try
        {
            VmtBlock block = _free.Take(_end.Token);
            while (_inner.Read(block))
            {
                _ready.Add(block);
                block = _free.Take(_end.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // nobody reads on
        }
        catch (Exception error)
        {
            // whatever it is, it is of the block that comes next, and told there
            _error = ExceptionDispatchInfo.Capture(error);
        }
        finally
        {
            _ready.CompleteAdding();
        }
    }
}
