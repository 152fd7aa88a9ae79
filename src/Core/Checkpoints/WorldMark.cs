using System.Runtime.CompilerServices;
using VmSim.Core.Engine;
using VmSim.Core.State;

namespace VmSim.Core.Checkpoints;

/// <summary>
/// Where a world stood at the end of a window. It puts that same world back there, as often as it is asked, in some microseconds where
/// making a world takes hundreds.
/// </summary>
/// <remarks>
/// Objects stay where they are, and refer to each other as they did: the mark has a copy of each object's fields, and writes them back.
/// So what a checkpoint leaves out, such as streams of operations, is put back too. What never changes in a checkpoint is left alone.
/// </remarks>
internal sealed class WorldMark
{
    private readonly List<(Action<object, object> Copy, object Object, object Saved)> _objects = [];
    private readonly List<(Array Object, Array Saved)> _arrays = [];
    private readonly List<(NativeBlock Block, byte[] Saved)> _blocks = [];
    private readonly List<IWrittenBlocks> _owners = [];

    private WorldMark()
    {
    }

    /// <summary>Marks where a world stands.</summary>
    /// <param name="world">The world; no engine runs on it.</param>
    /// <param name="besides">Objects that are not the world's, such as those that watch it: they are left alone.</param>
    /// <exception cref="NotSupportedException">Something in it is not plain data; the message says what.</exception>
    public static WorldMark Of(World world, params object[] besides)
    {
        ArgumentNullException.ThrowIfNull(world);
        ArgumentNullException.ThrowIfNull(besides);
        WorldMark mark = new();
        KnownObjects known = new(world);
        HashSet<object> met = new(besides, ReferenceEqualityComparer.Instance);
        Stack<object> waiting = new([world]);
        Dictionary<NativeBlock, nuint> written = [];
        while (waiting.TryPop(out object? value))
        {
            Type type = value.GetType();
            if (value is string or Delegate or Lock || (!type.IsValueType && (known.IsConstant(value) || !met.Add(value))))
            {
                continue;
            }

            if (SharedObjects.FieldOf(value) is not null)
            {
                continue;
            }

            if (value is NativeBlock block)
            {
                written.TryAdd(block, block.Bytes);
                continue;
            }

            if (value is IWrittenBlocks owner)
            {
                mark._owners.Add(owner);
                foreach ((NativeBlock part, nuint bytes) in owner.Written)
                {
                    written[part] = bytes;
                }
            }

            mark.Add(value, type, waiting);
        }

        mark._blocks.AddRange(written.Select(pair => (pair.Key, pair.Key.Span[..(int)pair.Value].ToArray())));
        return mark;
    }

    /// <summary>Puts the world back.</summary>
    /// <returns>False if native memory has been given back since; the world is then of no use any more.</returns>
    public bool Restore()
    {
        foreach ((NativeBlock block, _) in _blocks)
        {
            if (block.Span.IsEmpty)
            {
                return false;
            }
        }

        foreach (IWrittenBlocks owner in _owners)
        {
            foreach ((NativeBlock block, nuint bytes) in owner.Written)
            {
                block.Span[..(int)bytes].Clear();
            }
        }

        foreach ((Action<object, object> copy, object value, object saved) in _objects)
        {
            copy(saved, value);
        }

        foreach ((Array value, Array saved) in _arrays)
        {
            Array.Copy(saved, value, saved.Length);
        }

        foreach ((NativeBlock block, byte[] saved) in _blocks)
        {
            saved.CopyTo(block.Span);
        }

        return true;
    }

    private void Add(object value, Type type, Stack<object> waiting)
    {
        if (value is Array array)
        {
            AddArray(array, type.GetElementType()!, waiting);
            return;
        }

        if (type.Namespace?.StartsWith("System", StringComparison.Ordinal) == true
            && type.Namespace?.StartsWith("System.Collections", StringComparison.Ordinal) == false && value is not MemoryStream
            && ObjectFields.Of(type).Copy is not null)
        {
            throw new NotSupportedException($"a world cannot be put back that has a {type}; state is plain data");
        }

        ObjectFields fields = ObjectFields.Of(type);
        if (fields.Copy is { } copy)
        {
            object saved = RuntimeHelpers.GetUninitializedObject(type);
            copy(value, saved);
            _objects.Add((copy, value, saved));
        }

        foreach (object referred in fields.ReferredBy(value))
        {
            waiting.Push(referred);
        }
    }

    private void AddArray(Array array, Type element, Stack<object> waiting)
    {
        if (array.Length == 0)
        {
            return;
        }

        _arrays.Add((array, (Array)array.Clone()));
        if (!ObjectFields.MayRefer(element))
        {
            return;
        }

        foreach (object? item in array)
        {
            if (item is not null)
            {
                waiting.Push(item);
            }
        }
    }
}
